import { randomId } from "../core/random-id.ts";
import {
  blobOf,
  chunksIn,
  type FileRecord,
  fileRecord,
  get,
  inOrder,
  type PartRecord,
  partRecord,
  pathsOf,
  put,
  removeChunks,
  sizeOf,
  urlOf,
} from "./cache-entries.ts";
import { checkSize } from "./check-size.ts";
import type { FileStore, PartFile, StoredFile } from "./file-store.ts";
import type { ModelManifest } from "./model-entry.ts";

/** A cache each: removing a model is one step. */
const PREFIX = "minivault-model:";

/** What is in memory at most before it is stored, and what a crash may lose. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** In the Cache API, where the browser has no file system that can be written to. Rejects where it is refused. */
export async function openCacheStore(): Promise<FileStore> {
  await tryOut();
  return {
    kind: "cache",
    async read(model, path) {
      const cache = await cacheOf(model);
      const file = await fileRecord(cache, path);
      if (!cache || !file) return null;
      const chunks = inOrder(await chunksIn(cache), file.id);
      return sizeOf(chunks) === file.sizeBytes ? blobOf(cache, chunks) : null;
    },
    openPart: async (model, path) => openPart(await writableCacheOf(model), path),
    list: async () => (await Promise.all((await models()).map(filesOf))).flat(),
    async saveManifest(manifest) {
      await put(await writableCacheOf(manifest.name), urlOf("manifest"), manifest);
    },
    async manifests() {
      const all = (await models()).map(async (model) => get<ModelManifest>(await cacheOf(model), urlOf("manifest")));
      return (await Promise.all(all)).filter((manifest) => manifest !== null);
    },
    async remove(model, path) {
      if (path === undefined) await removeCache(model);
      const cache = await cacheOf(model);
      if (path === undefined || !cache) return;
      for (const kind of ["file", "part"] as const) await cache.delete(urlOf(kind, { path }));
      await removeChunks(cache, path, []);
    },
  };
}

/** Private windows may have the functions, and refuse to run them. */
async function tryOut(): Promise<void> {
  const name = `minivault-try-${randomId()}`;
  await put(await caches.open(name), urlOf("model"), null);
  await caches.delete(name);
}

async function openPart(cache: Cache, path: string): Promise<PartFile> {
  const whole = await fileRecord(cache, path);
  const found = await partRecord(cache, path);
  let record: PartRecord = found && found.id !== whole?.id ? found : { id: randomId(), etag: null };
  if (record !== found) await put(cache, urlOf("part", { path }), record);

  let chunks = inOrder(await chunksIn(cache), record.id);
  let storedBytes = sizeOf(chunks);
  let pending: Uint8Array<ArrayBuffer>[] = [];
  let pendingBytes = 0;

  const store = async () => {
    if (pendingBytes === 0) return;
    const place = { path, id: record.id, at: storedBytes, sizeBytes: pendingBytes };
    const chunk = { url: urlOf("chunk", { ...place, at: `${place.at}`, sizeBytes: `${place.sizeBytes}` }), ...place };
    await cache.put(chunk.url, new Response(new Blob(pending)));
    chunks.push(chunk);
    storedBytes += pendingBytes;
    pending = [];
    pendingBytes = 0;
  };
  await removeChunks(cache, path, [record.id, whole?.id]); // of a crash
  return {
    get sizeBytes() {
      return storedBytes + pendingBytes;
    },
    get etag() {
      return record.etag;
    },
    async read() {
      await store();
      return (await blobOf(cache, chunks)) ?? new Blob();
    },
    async restart(etag) {
      record = { id: randomId(), etag };
      await put(cache, urlOf("part", { path }), record);
      await removeChunks(cache, path, [whole?.id]);
      [chunks, storedBytes, pending, pendingBytes] = [[], 0, [], 0];
    },
    async append(chunk) {
      if (pendingBytes + chunk.byteLength > CHUNK_BYTES) await store();
      pending.push(chunk.slice());
      pendingBytes += chunk.byteLength;
    },
    async publish(file) {
      checkSize(path, storedBytes + pendingBytes, file);
      await store();
      await put(cache, urlOf("file", { path }), { id: record.id, sizeBytes: storedBytes } satisfies FileRecord);
      await cache.delete(urlOf("part", { path }));
      await removeChunks(cache, path, [record.id]);
    },
    async close() {
      await store().catch(() => {}); // there is no room for it: it is fetched again
    },
  };
}

const models = async (): Promise<string[]> =>
  (await caches.keys()).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));

/**
 * WebKit's private windows empty a cache when nobody has it open any more, and drop whatever is put into it from then
 * on, without a word: https://github.com/microsoft/playwright/issues/41618. So those in use stay open, and one that
 * drops things is replaced.
 */
const inUse = new Map<string, Cache>();

const open = async (model: string): Promise<Cache> => {
  const cache = await caches.open(PREFIX + model);
  inUse.set(model, cache);
  return cache;
};

async function removeCache(model: string): Promise<void> {
  inUse.delete(model);
  await caches.delete(PREFIX + model);
}

async function writableCacheOf(model: string): Promise<Cache> {
  const cache = await open(model);
  await put(cache, urlOf("model"), model);
  if (await cache.match(urlOf("model"))) return cache;
  await removeCache(model);
  return open(model);
}

/** `caches.open()` would make one. */
const cacheOf = async (model: string): Promise<Cache | null> =>
  (await caches.has(PREFIX + model)) ? open(model) : null;

async function filesOf(model: string): Promise<StoredFile[]> {
  const cache = await cacheOf(model);
  if (!cache) return [];
  const chunks = await chunksIn(cache);
  const files: StoredFile[] = [];
  for (const path of await pathsOf(cache, "file")) {
    const record = await fileRecord(cache, path);
    const isThere = record && sizeOf(inOrder(chunks, record.id)) === record.sizeBytes;
    if (isThere) files.push({ model, path, sizeBytes: record.sizeBytes, isWhole: true });
  }
  for (const path of await pathsOf(cache, "part")) {
    const [record, whole] = [await partRecord(cache, path), await fileRecord(cache, path)];
    const isPart = record && record.id !== whole?.id;
    if (isPart) files.push({ model, path, sizeBytes: sizeOf(inOrder(chunks, record.id)), isWhole: false });
  }
  return files;
}
