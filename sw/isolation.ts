import type { StrategyOptions } from "workbox-strategies";

/** What a page and its workers' scripts need to share memory between threads. */
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * Stores what comes from our own origin with the headers of cross-origin isolation, also where the host cannot send
 * them: https://web.dev/articles/coop-coep. What the host does send stands.
 */
export const isolate: NonNullable<StrategyOptions["plugins"]>[number] = {
  // A strategy with such a plugin leaves it to judge what is worth keeping.
  cacheWillUpdate: async ({ response }) => (response.ok ? isolated(response) : null),
};

export function isolated(response: Response): Response {
  const headers = new Headers(response.headers);
  const missing = Object.entries(HEADERS).filter(([name]) => !headers.has(name));
  if (missing.length === 0) return response;
  for (const [name, value] of missing) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
