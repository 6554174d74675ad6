import { existsSync, openAsBlob } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { checkSize } from "../models/check-size.ts";
import type { FileStore, PartFile, StoredFile } from "../models/file-store.ts";
import type { ModelManifest } from "../models/model-entry.ts";

/** Of its first half only, so it is no file of the site; `.etag` beside it names the version. */
const PART = ".part";
const ETAG = ".part.etag";
/** Hidden, so that it is no file of the model. */
const MANIFEST = ".minivault.json";

export const isPart = (path: string): boolean => path.endsWith(PART) || path.endsWith(ETAG);

/** Files of models in a folder, as the site serves them: here a model's name is that of its repository. */
export function createFolderStore(root: string): FileStore {
  const inside = (model: string, path = "") => {
    const folder = resolve(root, model);
    const file = resolve(folder, path);
    // The hub names the files, and must not write beside them.
    if (!folder.startsWith(resolve(root) + sep) || !`${file}${sep}`.startsWith(folder + sep)) {
      throw new Error(`${path || model} is outside of ${root}`);
    }
    return file;
  };

  return {
    kind: "folder",
    async read(model, path) {
      const file = inside(model, path);
      return existsSync(file) ? openAsBlob(file) : null;
    },
    openPart: (model, path) => openPart(inside(model, path), path),
    async list() {
      const paths = (await pathsIn(root)).filter((path) => !path.endsWith(ETAG) && !path.endsWith(MANIFEST));
      return Promise.all(paths.map((path) => describe(root, path)));
    },
    async saveManifest(manifest) {
      const file = inside(manifest.name, MANIFEST);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(manifest));
    },
    async manifests() {
      const paths = (await pathsIn(root)).filter((path) => path.endsWith(MANIFEST));
      const texts = await Promise.all(paths.map((path) => readFile(join(root, path), "utf8")));
      return texts.map((text) => JSON.parse(text) as ModelManifest);
    },
    async remove(model, path) {
      const file = inside(model, path);
      await Promise.all([file, file + PART, file + ETAG].map((name) => rm(name, { recursive: true, force: true })));
      await removeEmpty(dirname(file), resolve(root));
    },
  };
}

async function openPart(file: string, path: string): Promise<PartFile> {
  await mkdir(dirname(file), { recursive: true });
  let size = existsSync(file + PART) ? (await stat(file + PART)).size : 0;
  let etag = existsSync(file + ETAG) ? await readFile(file + ETAG, "utf8") : null;
  const handle = await open(file + PART, "a"); // last, so that a failure above leaves nothing open
  return {
    get sizeBytes() {
      return size;
    },
    get etag() {
      return etag;
    },
    read: () => openAsBlob(file + PART),
    async restart(version) {
      await handle.truncate(0);
      // After the old bytes are gone, and before the first new ones: a part is never told to be of another version.
      if (version === null) await rm(file + ETAG, { force: true });
      else await writeFile(file + ETAG, version);
      size = 0;
      etag = version;
    },
    async append(chunk) {
      await handle.appendFile(chunk);
      size += chunk.byteLength;
    },
    async publish(published) {
      checkSize(path, size, published);
      await handle.sync(); // a name must not be safe before its bytes are
      await handle.close();
      await rename(file + PART, file);
      await rm(file + ETAG, { force: true });
    },
    close: () => handle.close(),
  };
}

async function describe(root: string, path: string): Promise<StoredFile> {
  const isWhole = !path.endsWith(PART);
  const named = isWhole ? path : path.slice(0, -PART.length);
  const [first = "", second = "", ...rest] = named.split("/");
  // A hub id has two parts; a model without an owner has its `config.json`, or its part, in the first folder.
  const flat = ["config.json", "config.json.part"].some((name) => existsSync(join(root, first, name)));
  const [model, own] = flat ? [first, [second, ...rest]] : [`${first}/${second}`, rest];
  return { model, path: own.join("/"), sizeBytes: (await stat(join(root, path))).size, isWhole };
}

/** With `/` on every system. */
export async function pathsIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

async function removeEmpty(folder: string, root: string): Promise<void> {
  if (folder === root || !folder.startsWith(root)) return;
  try {
    await rmdir(folder);
  } catch {
    return; // there are others in it
  }
  await removeEmpty(dirname(folder), root);
}
