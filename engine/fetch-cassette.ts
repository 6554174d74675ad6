import { VaultError } from "../core/errors.ts";

/**
 * The text of a cassette of this site; `null`: there is none. Many hosts answer with a page for what is not there.
 * Throws `model-unavailable` if the site does not answer.
 */
export async function fetchCassette(name: string, baseUrl: string): Promise<string | null> {
  const url = new URL(`cassettes/${name}.jsonl`, baseUrl);
  const response = await fetch(url, { mode: "same-origin", cache: "no-cache" }).catch(() => null);
  if (response?.status === 404 || response?.headers.get("content-type")?.includes("html")) return null;
  if (response?.ok) return response.text();
  throw new VaultError("model-unavailable", `${url.pathname} of this site cannot be had. Try again.`);
}
