/** Runs in the tabs of a chaos run: asks in one of several ways, and reports each piece of text as it comes. */
import { VaultError } from "../../core/errors.ts";
import { generate } from "../../web/client.ts";
import { type Ask, ERRORS_CHANNEL, type Report } from "./ask.ts";

declare global {
  /** Both bring something to the test, and are part of the browser's automation. */
  function chaosReport(id: string, report: Report): Promise<void>;
  function chaosError(error: string): Promise<void>;
}

new BroadcastChannel(ERRORS_CHANNEL).onmessage = ({ data }: MessageEvent<string>) => void chaosError(data);

const post = (path: string, { id, body }: Ask, accept: string) =>
  fetch(path, { method: "POST", headers: { accept, "x-request-id": id }, body: JSON.stringify(body) });

/** The page's own client, which goes on by itself; leaves after some tokens if it is told to. */
async function byClient({ id, body, leaveAfter }: Ask, say: (text: string) => void): Promise<Report> {
  let tokens = 0;
  for await (const event of generate(body, { requestId: id })) {
    if (event.type === "done") return { type: "end", how: "done" };
    say(event.text);
    if (++tokens === leaveAfter) return { type: "end", how: "left" };
  }
  return { type: "end", how: "cut", detail: "the client ended without an end" };
}

/** Anybody's `fetch`, which pauses in the middle of reading. */
async function byFetch(ask: Ask, say: (text: string) => void): Promise<Report> {
  const response = await post("/generate/stream", ask, "text/plain");
  if (!response.ok || !response.body) return refusal(response);
  const reader = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let chunks = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    say(next.value);
    if (++chunks === ask.leaveAfter) await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
  return { type: "end", how: "done" };
}

async function byJson(ask: Ask, say: (text: string) => void): Promise<Report> {
  const response = await post("/generate", ask, "application/json");
  if (!response.ok) return refusal(response);
  say((await response.json()).response);
  return { type: "end", how: "done" };
}

const refusal = async (response: Response): Promise<Report> => {
  const from = response.headers.has("x-request-id") ? "the API" : "the network";
  return { type: "end", how: "refused", detail: `${response.status} of ${from}: ${await response.text()}` };
};

/** What a complaint needs to be understood. */
async function workers(): Promise<string> {
  const { active, waiting, installing } = (await navigator.serviceWorker.getRegistration()) ?? {};
  const states = [navigator.serviceWorker.controller, active, waiting, installing].map(
    (worker) => worker?.state ?? "-",
  );
  return `controller, active, waiting, installing: ${states.join(", ")}`;
}

const WAYS = { client: byClient, fetch: byFetch, json: byJson };

Object.assign(globalThis, {
  async chaosAsk(ask: Ask): Promise<void> {
    const say = (text: string) => void chaosReport(ask.id, { type: "text", text });
    try {
      await chaosReport(ask.id, await WAYS[ask.way](ask, say));
    } catch (cause) {
      if (cause instanceof VaultError && cause.code === "model-unavailable") {
        return chaosReport(ask.id, { type: "end", how: "refused", detail: `${cause.code}: ${cause.message}` });
      }
      await chaosReport(ask.id, { type: "end", how: "cut", detail: `${cause} (${await workers()})` });
    }
  },
});
