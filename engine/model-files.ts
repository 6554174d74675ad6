import type { Progress } from "../core/protocol.ts";
import type { Report } from "./local-engine.ts";

/** Time for the hub to begin an answer. */
const CONNECT_MS = 4_000;
/** Time without a byte after which a download counts as dead. */
const STALL_MS = 20_000;
const CACHE = "minivault-models";

/** Files of models: from the cache, else from the network, counted as they come. */
export function createModelFiles(report: Report) {
  const seen = new Map<string, Progress>();
  let fetchedBytes = 0;
  const count = (url: string, progress: Progress) => {
    seen.set(url, progress);
    const all = [...seen.values()];
    report({
      loadedBytes: all.reduce((sum, { loadedBytes }) => sum + loadedBytes, 0),
      totalBytes: all.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
    });
  };

  return {
    /** Of the files that were found, wherever they came from. */
    get fetchedBytes() {
      return fetchedBytes;
    },
    async fetch(input: string | URL): Promise<Response> {
      const url = String(input);
      // Our own files are kept by the service worker.
      const cache = new URL(url).origin === self.location.origin ? null : await openCache();
      const cached = await cache?.match(url);
      if (cached) {
        fetchedBytes += Number(cached.headers.get("content-length") ?? 0);
        return cached;
      }

      const { response, body } = await download(url, (progress) => count(url, progress));
      if (!response.ok) return new Response(body, response);
      fetchedBytes += body.size;
      const headers = { "content-type": body.type, "content-length": String(body.size) };
      // Stored only when it is whole, so that a cut download can never be taken for a file.
      // No room is no reason to fail: the model then runs from memory.
      await cache?.put(url, new Response(body, { headers })).catch(() => {});
      return new Response(body, { headers });
    },
  };
}

/** None in an insecure context, or where storage is refused: the model is then downloaded at each visit. */
async function openCache(): Promise<Cache | null> {
  return "caches" in self ? caches.open(CACHE).catch(() => null) : null;
}

async function download(url: string, onProgress: (progress: Progress) => void) {
  const abort = new AbortController();
  const deadline = (ms: number) => setTimeout(() => abort.abort(), ms);
  let timer = deadline(CONNECT_MS);
  try {
    // `no-store`: the HTTP cache is a second copy, and breaks large bodies in Firefox (hybridgroup/yzma#317).
    const response = await fetch(url, { cache: "no-store", credentials: "omit", signal: abort.signal });
    const totalBytes = Number(response.headers.get("content-length") ?? 0);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let loadedBytes = 0;
    const reader = response.body?.getReader();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      clearTimeout(timer);
      timer = deadline(STALL_MS);
      chunks.push(next.value);
      loadedBytes += next.value.byteLength;
      onProgress({ loadedBytes, totalBytes: Math.max(totalBytes, loadedBytes) });
    }
    return { response, body: new Blob(chunks, { type: response.headers.get("content-type") ?? "" }) };
  } catch (cause) {
    throw new Error(`${new URL(url).origin} cannot be reached`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
