import { VaultError } from "../core/errors.ts";
import { withLock } from "../core/web-lock.ts";
import { downloadFile, type FileDownload } from "./download-file.ts";
import type { FileStore } from "./file-store.ts";
import { fileUrl, type Origins } from "./hub.ts";
import { sum } from "./listing.ts";
import type { ModelFile, ModelManifest } from "./model-entry.ts";
import { freeBytes, isQuotaExceeded, storageFull } from "./quota.ts";
import type { Timing } from "./retry.ts";

const LANES = 2;

export interface ModelDownload {
  readonly manifest: ModelManifest;
  readonly paths: readonly string[];
  readonly store: FileStore;
  readonly origins: Origins;
  readonly timing: Timing;
  readonly signal: AbortSignal;
  /** Rejects if that much has no room. */
  readonly checkRoom: (model: string, bytes: number) => Promise<void>;
  readonly onLoaded: (loadedBytes: number, totalBytes: number) => void;
  readonly onRetrying: (reason: string | null) => void;
  /** A file is here, whole and verified. */
  readonly onPublished?: (path: string) => void;
}

/**
 * Fetches what is missing of a model. One tab at a time: the others wait, and then find the files.
 * Rejects with `model-unavailable`, `model-broken`, `storage-full` or `load-cancelled`; parts are kept.
 */
export async function downloadModel(download: ModelDownload): Promise<void> {
  const { manifest, paths, store, signal, onLoaded } = download;
  const files = paths.map((path) => fileOf(manifest, path));
  const [gap] = await missing(store, manifest, files);
  if (!gap) return;
  if (manifest.source === "import") throw nowhereElse(manifest, gap);
  onLoaded(0, sum(files.map(({ sizeBytes }) => sizeBytes))); // another tab may have its turn for minutes
  await withLock(`minivault-download-${manifest.name}`, signal, async () => {
    const left = await missing(store, manifest, files);
    if (left.length > 0) await fetchAll(download, files, left);
  });
}

/** Those that are not here. A file of another size than it should have is removed. */
async function missing(store: FileStore, { name }: ModelManifest, files: readonly ModelFile[]): Promise<ModelFile[]> {
  const stored = (await store.list()).filter(({ model, isWhole }) => model === name && isWhole);
  const left: ModelFile[] = [];
  for (const file of files) {
    const found = stored.find(({ path }) => path === file.path);
    if (found?.sizeBytes === file.sizeBytes) continue;
    if (found) await store.remove(name, file.path);
    left.push(file);
  }
  return left;
}

async function fetchAll(download: ModelDownload, files: readonly ModelFile[], left: ModelFile[]): Promise<void> {
  const { manifest, store, signal, checkRoom, onLoaded, onRetrying } = download;
  const { name } = manifest;
  const totalBytes = sum(files.map(({ sizeBytes }) => sizeBytes));
  const loaded = new Map(files.map(({ path, sizeBytes }) => [path, sizeBytes]));
  for (const { path } of left) loaded.set(path, 0);
  for (const { model, path, sizeBytes, isWhole } of await store.list()) {
    if (model === name && !isWhole && loaded.get(path) === 0) loaded.set(path, sizeBytes);
  }
  const report = () => onLoaded(sum([...loaded.values()]), totalBytes);
  const retrying = new Map<string, string>();
  report();
  await checkRoom(name, Math.max(0, totalBytes - sum([...loaded.values()])));
  const full = async (cause: unknown) =>
    isQuotaExceeded(cause) ? storageFull(name, totalBytes - sum([...loaded.values()]), await freeBytes()) : cause;
  const before = (await store.manifests()).find((stored) => stored.name === name);
  const wanted = new Set([...(before?.wanted ?? []), ...files.map(({ path }) => path)]);
  await store.saveManifest({ ...manifest, wanted: [...wanted] }).catch(async (cause: unknown) => {
    throw await full(cause);
  });

  // The small ones first: what is wrong with a model, they tell sooner.
  const queue = left.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const lane = async () => {
    for (let file = queue.shift(); file && !both.aborted; file = queue.shift()) {
      const { path } = file;
      await fetchOne(download, file, {
        signal: both,
        onLoaded: (bytes) => {
          loaded.set(path, bytes);
          report();
        },
        onRetrying: (reason) => {
          if (reason) retrying.set(path, reason);
          else retrying.delete(path);
          onRetrying([...retrying.values()][0] ?? null);
        },
      });
    }
  };
  const lanes = Array.from({ length: LANES }, () =>
    lane().catch(async (cause: unknown) => failed.abort(await full(cause))),
  );
  await Promise.all(lanes); // so that no part is written to any more
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function fetchOne(
  { manifest, store, origins, timing, onPublished }: ModelDownload,
  file: ModelFile,
  handle: Pick<FileDownload, "signal" | "onLoaded" | "onRetrying">,
): Promise<void> {
  const url = fileUrl(manifest, file.path, origins);
  const part = await store.openPart(manifest.name, file.path);
  await downloadFile({ ...handle, url, file, part, timing }).catch(async (cause: unknown) => {
    await part.close().catch(() => {}); // a full disk refuses that too
    throw cause;
  });
  onPublished?.(file.path);
}

/** Of what somebody brought from a disk. */
const nowhereElse = ({ name }: ModelManifest, { path }: ModelFile): VaultError =>
  new VaultError(
    "model-broken",
    `${path} of ${name} is missing or damaged, and only who brought ${name} here has it. Delete it, then bring it again.`,
  );

function fileOf({ name, files }: ModelManifest, path: string): ModelFile {
  const file = files.find((each) => each.path === path);
  if (file) return file;
  throw new VaultError("model-unavailable", `${name} has no file ${path}. Choose another model, or another precision.`);
}
