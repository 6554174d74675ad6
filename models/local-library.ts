import { VaultError } from "../core/errors.ts";
import { downloadModel } from "./download-model.ts";
import type { FileStore } from "./file-store.ts";
import { hashMatches } from "./hash.ts";
import { fetchTree, type Origins } from "./hub.ts";
import { listModel } from "./listing.ts";
import type { ModelEntry, ModelFile, ModelManifest } from "./model-entry.ts";
import type { ModelLibrary } from "./model-library.ts";
import { checkRoom } from "./quota.ts";
import { cancelled, PATIENT, type Timing } from "./retry.ts";
import { type SharedDownload, shareDownload, whenAborted } from "./shared-download.ts";

export interface LocalLibraryOptions {
  readonly store: FileStore;
  readonly origins: Origins;
  /** Those that are listed whether or not they are here. */
  readonly entries: readonly ModelEntry[];
  /** Any name or hub id; `null` if it is neither, or not admitted. */
  readonly findEntry: (nameOrId: string) => ModelEntry | null;
  /** The model as this site has it, if it does. */
  readonly fromSite: (entry: ModelEntry) => Promise<ModelManifest | null>;
  /** Which of the sizes in the catalogue is listed for what has not been asked for. */
  readonly device: "wasm" | "webgpu";
  /** What `list()` tells has changed. */
  readonly onChange?: () => void;
  readonly timing?: Timing;
  readonly checkRoom?: (model: string, bytes: number) => Promise<void>;
}

interface Running {
  readonly paths: ReadonlySet<string>;
  readonly download: SharedDownload;
  /** By command, not because its callers left. */
  paused: boolean;
}

/** The library where it lives: in the thread that downloads and stores. */
export function createLocalLibrary(options: LocalLibraryOptions): ModelLibrary {
  const { store, origins, device, onChange = () => {}, timing = PATIENT } = options;
  const running = new Map<string, Running>();
  const failures = new Map<string, VaultError>();
  /** By name: what was asked for in this visit, of which nothing may be stored yet. */
  const asked = new Map<string, ModelManifest>();
  const trees = new Map<string, Promise<ModelManifest>>();

  const start = (manifest: ModelManifest, paths: readonly string[]): Running => {
    const { name } = manifest;
    const download = shareDownload(
      (handle) => downloadModel({ checkRoom, ...options, ...handle, manifest, paths, timing }),
      onChange,
    );
    const started = { paths: new Set(paths), download, paused: false };
    running.set(name, started);
    asked.set(name, manifest);
    failures.delete(name);
    void download.ended.then((error) => {
      running.delete(name);
      if (error && error.code !== "load-cancelled") failures.set(name, error);
      onChange();
    });
    return started;
  };

  const library: ModelLibrary = {
    async describe(nameOrId) {
      const entry = options.findEntry(nameOrId);
      const onSite = entry && (await options.fromSite(entry));
      if (onSite) return onSite;
      if (entry?.files) return { ...entry, files: entry.files };
      const manifests = await store.manifests();
      const stored = manifests.find(({ name, repo }) => nameOrId === name || nameOrId === repo);
      if (stored) return stored;
      if (entry?.source !== "hub") throw notFound(nameOrId);
      const asked =
        trees.get(entry.name) ?? fetchTree(entry, origins, { timing }).then((files) => ({ ...entry, files }));
      trees.set(entry.name, asked);
      asked.catch(() => trees.delete(entry.name));
      return asked;
    },

    async fetch(manifest, paths, caller) {
      for (;;) {
        if (caller.signal?.aborted) throw cancelled();
        const found = running.get(manifest.name);
        if (!found) return start(manifest, paths).download.join(caller);
        const { download } = found;
        const usable = !download.stopped;
        if (usable && paths.every((path) => found.paths.has(path))) return download.join(caller);
        // Two at once would write to the same parts.
        await Promise.race([download.ended, whenAborted(caller.signal)]);
        if (usable && found.paused) throw cancelled();
      }
    },

    async read(manifest, path) {
      const file = manifest.files.find((each) => each.path === path);
      if (!file) return null;
      const { name } = manifest;
      const stored = await store.read(name, path);
      const bytes = await verifiedBytes(stored, file);
      if (bytes) return bytes;
      if (stored) await store.remove(name, path);
      await library.fetch(manifest, [path], {});
      const again = await verifiedBytes(await store.read(name, path), file);
      if (!again) throw damaged(name, path);
      return again;
    },

    async list() {
      const [stored, kept] = await Promise.all([store.list(), store.manifests()]);
      const manifests = [
        ...kept,
        ...[...asked.values()].filter(({ name }) => !kept.some((known) => known.name === name)),
      ];
      const entries = await Promise.all(options.entries.map(async (entry) => (await options.fromSite(entry)) ?? entry));
      const others = manifests.filter(({ name }) => !entries.some((entry) => entry.name === name));
      return [...entries, ...others].map((entry) => {
        const manifest = manifests.find(({ name }) => name === entry.name);
        const listed = listModel(entry, manifest, stored, device);
        const progress = running.get(entry.name)?.download.progress;
        if (progress?.totalBytes) return { ...listed, files: { state: "downloading", ...progress } };
        if (progress && listed.files.state === "paused") {
          // It goes on, and has yet to see what is here.
          return { ...listed, files: { ...progress, ...listed.files, state: "downloading" } };
        }
        const error = failures.get(entry.name)?.toWire();
        if (!error || listed.files.state === "stored") return listed;
        const loadedBytes = listed.files.state === "paused" ? listed.files.loadedBytes : 0;
        return { ...listed, files: { state: "failed", error, loadedBytes, totalBytes: listed.sizeBytes ?? 0 } };
      });
    },

    async pause(name) {
      const found = running.get(name);
      if (!found) return;
      found.paused = true;
      found.download.stop();
      await found.download.ended;
    },

    async remove(name) {
      await library.pause(name);
      await store.remove(name);
      failures.delete(name);
      asked.delete(name);
      trees.delete(name);
      onChange();
    },
  };
  return library;
}

/**
 * `null` if they are not what they should be. Looked at each time, also right after the download: a file that was
 * changed since would be loaded as a broken model for as long as this thread lives.
 */
async function verifiedBytes(blob: Blob | null, file: ModelFile): Promise<ArrayBuffer | null> {
  if (blob?.size !== file.sizeBytes) return null;
  const bytes = await blob.arrayBuffer().catch(() => null); // removed or replaced meanwhile
  return bytes && (!file.hash || (await hashMatches(file.hash, bytes))) ? bytes : null;
}

const notFound = (name: string): VaultError =>
  new VaultError(
    "model-not-found",
    `There is no model ${name} here. GET /models lists those that can be had; others go by their hub id: owner/name.`,
  );

const damaged = (name: string, path: string): VaultError =>
  new VaultError(
    "model-broken",
    `${path} of ${name} is damaged here, and was again when it was fetched anew. Check this device's disk.`,
  );
