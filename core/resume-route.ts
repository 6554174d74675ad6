import type { Call } from "./dialect.ts";
import { VaultError } from "./errors.ts";
import type { Skip } from "./exchange.ts";

/**
 * What the client has already. `Last-Event-ID` is what an `EventSource` sends by itself when it reconnects; `from` counts
 * bytes, as llama.cpp does, comments not among them.
 */
export function parseSkip({ request, url }: Call<unknown>): Skip {
  const lastId = request.headers.get("last-event-id");
  if (lastId !== null) return { type: "events", lastId: wholeNumber("Last-Event-ID", lastId) };
  return { type: "bytes", bytes: wholeNumber("from", url.searchParams.get("from") ?? "0") };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new VaultError("bad-request", `${name} must be a whole number, not ${JSON.stringify(text)}.`, { field: name });
}
