import { VaultError } from "../core/errors.ts";

/** What the page asks of models: requests like those of any other program. Their progress is announced, not answered. */
export const library = {
  /** Begins a download or goes on with one; it does not end with this page. */
  download: (model: string) => ask("POST", "models/pull", { model }),
  pause: (model: string) => ask("POST", "models/pause", { model }),
  /** Files and parts; a download is stopped. */
  remove: (model: string) => ask("DELETE", "api/delete", { model }),
  /** Frees its memory, or stops its way there. */
  unload: (model: string) => ask("POST", "api/generate", { model, keep_alive: 0, stream: false }),
};

/** Throws a `VaultError` with the answer's own sentence. */
async function ask(method: string, path: string, body: object): Promise<void> {
  const response = await fetch(new URL(path, location.href), {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return;
  const said = (await response.json().catch(() => ({}))) as { detail?: unknown; error?: unknown };
  const detail = [said.detail, said.error].find((text) => typeof text === "string");
  throw new VaultError("engine-failed", String(detail ?? `The answer was ${response.status}. Reload the page.`));
}
