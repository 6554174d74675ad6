/**
 * The entries of a model's cache. A part is a record and chunks that bear its id; once a `file` record bears that id
 * too, the part has become the file. Their addresses are names only: nothing is ever fetched from there.
 */
export const urlOf = (
  kind: "model" | "manifest" | "part" | "file" | "chunk",
  params: Record<string, string> = {},
): string => `https://models.invalid/${kind}?${new URLSearchParams(params)}`;

export interface PartRecord {
  readonly id: string;
  readonly etag: string | null;
}

export interface FileRecord {
  readonly id: string;
  readonly sizeBytes: number;
}

interface Chunk {
  readonly url: string;
  readonly path: string;
  readonly id: string;
  readonly at: number;
  readonly sizeBytes: number;
}

const entriesOf = async (cache: Cache, kind: "part" | "file" | "chunk"): Promise<URL[]> =>
  (await cache.keys(urlOf(kind), { ignoreSearch: true })).map(({ url }) => new URL(url));

export const pathsOf = async (cache: Cache, kind: "part" | "file"): Promise<string[]> =>
  (await entriesOf(cache, kind)).map(({ searchParams }) => searchParams.get("path") ?? "");

export const chunksIn = async (cache: Cache): Promise<Chunk[]> =>
  (await entriesOf(cache, "chunk")).map(({ href, searchParams }) => ({
    url: href,
    path: searchParams.get("path") ?? "",
    id: searchParams.get("id") ?? "",
    at: Number(searchParams.get("at")),
    sizeBytes: Number(searchParams.get("sizeBytes")),
  }));

/** Of one part or file, from the start up to the first gap. */
export function inOrder(chunks: readonly Chunk[], id: string): Chunk[] {
  const sorted = chunks.filter((chunk) => chunk.id === id).sort((a, b) => a.at - b.at);
  let endBytes = 0;
  const gap = sorted.findIndex(({ at, sizeBytes }) => {
    const isNext = at === endBytes;
    endBytes += sizeBytes;
    return !isNext;
  });
  return gap === -1 ? sorted : sorted.slice(0, gap);
}

export const sizeOf = (chunks: readonly Chunk[]): number => chunks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** The browser keeps the bytes of blobs where it likes, on the disk if there are many. `null`: some are gone. */
export async function blobOf(cache: Cache, chunks: readonly Chunk[]): Promise<Blob | null> {
  const blobs: Blob[] = [];
  for (const { url } of chunks) {
    const response = await cache.match(url);
    if (!response) return null;
    blobs.push(await response.blob());
  }
  return new Blob(blobs);
}

export async function removeChunks(cache: Cache, path: string, keep: ReadonlyArray<string | undefined>): Promise<void> {
  const unused = (await chunksIn(cache)).filter((chunk) => chunk.path === path && !keep.includes(chunk.id));
  await Promise.all(unused.map(({ url }) => cache.delete(url)));
}

export const partRecord = (cache: Cache | null, path: string) => get<PartRecord>(cache, urlOf("part", { path }));
export const fileRecord = (cache: Cache | null, path: string) => get<FileRecord>(cache, urlOf("file", { path }));

export async function get<T>(cache: Cache | null, url: string): Promise<T | null> {
  const response = await cache?.match(url);
  return response ? ((await response.json()) as T) : null;
}

export const put = (cache: Cache, url: string, value: unknown): Promise<void> =>
  cache.put(url, new Response(JSON.stringify(value)));
