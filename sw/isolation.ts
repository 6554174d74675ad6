/** What a page and its workers' scripts need to share memory between threads: https://web.dev/articles/coop-coep */
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** The same with the headers of cross-origin isolation where the host sent none. What it did send stands. */
export function isolated(response: Response): Response {
  const headers = new Headers(response.headers);
  const missing = Object.entries(HEADERS).filter(([name]) => !headers.has(name));
  if (missing.length === 0) return response;
  for (const [name, value] of missing) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
