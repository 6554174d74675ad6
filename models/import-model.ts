import { VaultError } from "../core/errors.ts";
import type { ImportToPage, PickedFile } from "../core/protocol.ts";
import { NUCLEUS } from "./catalogue.ts";
import type { FileStore } from "./file-store.ts";
import { createSha256 } from "./hash.ts";
import { type ImportPlan, planImport, type Refusal } from "./import-plan.ts";
import type { ModelFile, ModelManifest } from "./model-entry.ts";

export interface ImportOptions {
  readonly store: FileStore;
  /** Names that the model must not get, beside those of the store. */
  readonly taken: readonly string[];
  /** Bytes that the origin may still store; `null` if nobody knows. */
  readonly freeBytes: number | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Extract<ImportToPage, { type: "progress" }>) => void;
}

/**
 * Checks a model that somebody picked from the disk, then stores it like a download: streamed, hashed, and whole or
 * not there. Its manifest is stored first, so that what a crash leaves is listed and can be deleted.
 * Rejects with `load-cancelled` or `storage-full`; nothing of the model is left then.
 */
export async function importModel(
  picked: readonly PickedFile[],
  { store, taken, freeBytes, signal, onProgress }: ImportOptions,
): Promise<ModelManifest | Refusal> {
  const stored = (await store.manifests()).flatMap(({ name, repo }) => [name, repo]);
  const kept = (await store.list()).map(({ model }) => model);
  const plan = await planImport(picked, [...taken, ...stored, ...kept]);
  if ("problems" in plan) return plan;
  const totalBytes = plan.files.reduce((sum, { file }) => sum + file.size, 0);
  if (freeBytes !== null && totalBytes > freeBytes) {
    const needed = Math.ceil(totalBytes / 1e6);
    const sizes = `The model has ${needed} MB, and this browser has room for ${Math.floor(freeBytes / 1e6)} MB`;
    return { problems: [`${sizes}. Delete another model, or free space on the disk.`] };
  }
  let loadedBytes = 0;
  const report = (bytes: number) => {
    loadedBytes += bytes;
    onProgress({ type: "progress", name: plan.name, loadedBytes, totalBytes });
  };
  try {
    await store.saveManifest(manifestOf(plan, plan.files.map(unhashed)));
    const files: ModelFile[] = [];
    for (const picked of plan.files) files.push(await storeFile(store, plan.name, picked, signal, report));
    const manifest = manifestOf(plan, files);
    await store.saveManifest(manifest);
    return manifest;
  } catch (cause) {
    await store.remove(plan.name);
    throw cause;
  }
}

async function storeFile(
  store: FileStore,
  model: string,
  { path, file }: PickedFile,
  signal: AbortSignal,
  report: (bytes: number) => void,
): Promise<ModelFile> {
  const part = await store.openPart(model, path);
  try {
    await part.restart(null);
    const sha256 = await createSha256();
    const reader = file.stream().getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (signal.aborted) throw new VaultError("load-cancelled", "The model was not added.");
      sha256.update(next.value);
      await part.append(next.value);
      report(next.value.length);
    }
    const whole: ModelFile = { path, sizeBytes: file.size, hash: { type: "sha256", hex: sha256.hex() } };
    await part.publish(whole);
    return whole;
  } catch (cause) {
    await part.close().catch(() => {});
    throw cause;
  }
}

const unhashed = ({ path, file }: PickedFile): ModelFile => ({ path, sizeBytes: file.size, hash: null });

const manifestOf = ({ name, dtypes, contextTokens }: ImportPlan, files: readonly ModelFile[]): ModelManifest => ({
  name,
  source: "import",
  repo: name,
  revision: "",
  files,
  dtypes,
  defaults: NUCLEUS,
  parameters: "",
  licence: "",
  contextTokens,
  chatStop: null,
  aboutBytes: null,
});
