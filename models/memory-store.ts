import { checkSize } from "./check-size.ts";
import type { FileStore, PartFile } from "./file-store.ts";
import type { ModelManifest } from "./model-entry.ts";

interface Model {
  manifest: ModelManifest | null;
  readonly files: Map<string, Blob>;
  readonly parts: Map<string, Part>;
}

interface Part {
  etag: string | null;
  sizeBytes: number;
  chunks: Blob[];
}

/** For this visit only, where the browser keeps nothing. What it holds is seen in this realm alone. */
export function createMemoryStore(): FileStore {
  const models = new Map<string, Model>();

  const modelOf = (name: string): Model => {
    const model = models.get(name) ?? { manifest: null, files: new Map(), parts: new Map() };
    models.set(name, model);
    return model;
  };

  return {
    kind: "memory",
    async read(model, path) {
      return models.get(model)?.files.get(path) ?? null;
    },
    async openPart(model, path) {
      return openPart(modelOf(model), path);
    },
    async list() {
      return [...models].flatMap(([model, { files, parts }]) => [
        ...Array.from(files, ([path, { size }]) => ({ model, path, sizeBytes: size, isWhole: true })),
        ...Array.from(parts, ([path, { sizeBytes }]) => ({ model, path, sizeBytes, isWhole: false })),
      ]);
    },
    async saveManifest(manifest) {
      modelOf(manifest.name).manifest = structuredClone(manifest);
    },
    async manifests() {
      return Array.from(models.values(), ({ manifest }) => manifest).filter((manifest) => manifest !== null);
    },
    async remove(model, path) {
      if (path === undefined) models.delete(model);
      models.get(model)?.files.delete(path ?? "");
      models.get(model)?.parts.delete(path ?? "");
    },
  };
}

function openPart({ files, parts }: Model, path: string): PartFile {
  const part = parts.get(path) ?? { etag: null, sizeBytes: 0, chunks: [] };
  parts.set(path, part);
  const content = () => new Blob(part.chunks);
  return {
    get sizeBytes() {
      return part.sizeBytes;
    },
    get etag() {
      return part.etag;
    },
    read: async () => content(),
    async restart(etag) {
      Object.assign(part, { etag, sizeBytes: 0, chunks: [] });
    },
    async append(chunk) {
      part.chunks.push(new Blob([chunk]));
      part.sizeBytes += chunk.byteLength;
    },
    async publish(file) {
      checkSize(path, part.sizeBytes, file);
      files.set(path, content());
      parts.delete(path);
    },
    async close() {},
  };
}
