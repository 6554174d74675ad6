import { randomId } from "../core/random-id.ts";
import { checkSize } from "./check-size.ts";
import type { FileStore, PartFile, StoredFile } from "./file-store.ts";
import type { ModelManifest } from "./model-entry.ts";
import {
  accessTo,
  decodeName,
  encodeName,
  fileIn,
  folderAt,
  moveOver,
  namesIn,
  orNull,
  removeFrom,
  writeAt,
  writeText,
} from "./opfs-files.ts";

/**
 * {model}/files/{path}    whole ones
 *         parts/{path}    what is there of others
 *         etags/{path}    of the parts
 *         manifest.json
 *
 * The folder says whether a file is whole, and `move()` from one to the other is atomic.
 */
const MANIFEST = "manifest.json";

/** Between two calls of `flush()`, which waits for the disk. Only a power failure loses what was not flushed. */
const FLUSH_BYTES = 16 * 2 ** 20;

/** In the origin's private file system, from a dedicated worker. Rejects where one of them is missing or refused. */
export async function openOpfsStore(): Promise<FileStore> {
  await tryOut();
  return {
    kind: "opfs",
    read: (model, path) => fileAt([model, "files"], encodeName(path)),
    openPart,
    list: async () => (await Promise.all((await models()).map(filesOf))).flat(),
    async saveManifest(manifest) {
      await writeText(await folderAt([manifest.name], { create: true }), MANIFEST, JSON.stringify(manifest));
    },
    async manifests() {
      const all = await Promise.all((await models()).map(manifestOf));
      return all.filter((manifest) => manifest !== null);
    },
    async remove(model, path) {
      if (path === undefined) return removeFrom(await orNull(() => folderAt([])), encodeName(model));
      // The tag first: a part without one is begun again, a tag without its part would be the wrong one.
      for (const kind of ["etags", "parts", "files"]) {
        await removeFrom(await orNull(() => folderAt([model, kind])), encodeName(path));
      }
    },
  };
}

/** Private windows of Firefox and Safari have all these functions, and refuse to run them. */
async function tryOut(): Promise<void> {
  const root = await folderAt([], { create: true });
  const name = `try-${randomId()}.tmp`;
  await writeText(root, name, "");
  await root.removeEntry(name);
}

async function openPart(model: string, path: string): Promise<PartFile> {
  const name = encodeName(path);
  const folders = { create: true };
  const parts = await folderAt([model, "parts"], folders);
  const etags = await folderAt([model, "etags"], folders);
  const handle = await fileIn(parts, name, folders);
  const access = await accessTo(handle);
  let etag = (await (await fileAt([model, "etags"], name))?.text()) ?? null;
  let sizeBytes = access.getSize();
  let unflushedBytes = 0;
  let isOpen = true;

  const flush = () => {
    access.flush();
    unflushedBytes = 0;
  };
  const close = () => {
    try {
      if (isOpen) flush();
    } finally {
      isOpen = false;
      access.close(); // or nobody else can open it
    }
  };
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get etag() {
      return etag;
    },
    async read() {
      flush();
      return handle.getFile();
    },
    async restart(newEtag) {
      access.truncate(0);
      flush();
      sizeBytes = 0;
      etag = newEtag;
      await (etag === null ? removeFrom(etags, name) : writeText(etags, name, etag));
    },
    async append(chunk) {
      writeAt(access, chunk, sizeBytes);
      sizeBytes += chunk.byteLength;
      unflushedBytes += chunk.byteLength;
      if (unflushedBytes >= FLUSH_BYTES) flush();
    },
    async publish(file) {
      checkSize(path, sizeBytes, file);
      close();
      const { size } = await handle.getFile();
      if (size !== sizeBytes) throw lost(sizeBytes - size);
      await removeFrom(etags, name);
      await moveOver(handle, await folderAt([model, "files"], folders), name);
    },
    async close() {
      close();
    },
  };
}

const models = async (): Promise<string[]> => (await namesIn([], "directory")).map(decodeName);

const fileAt = (folder: readonly string[], name: string): Promise<File | null> =>
  orNull(async () => (await fileIn(await folderAt(folder), name)).getFile());

async function filesOf(model: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const kind of ["files", "parts"]) {
    for (const name of await namesIn([model, kind], "file")) {
      const file = await fileAt([model, kind], name);
      if (file) files.push({ model, path: decodeName(name), sizeBytes: file.size, isWhole: kind === "files" });
    }
  }
  return files;
}

async function manifestOf(model: string): Promise<ModelManifest | null> {
  const file = await fileAt([model], MANIFEST);
  try {
    return file && (JSON.parse(await file.text()) as ModelManifest);
  } catch {
    return null; // damaged: as good as none
  }
}

/** Chromium 156 may say that it has written what its quota has no room for; once the file is closed, it is shorter. */
const lost = (bytes: number): DOMException =>
  new DOMException(`${bytes} bytes that were written are not there.`, "QuotaExceededError");
