import type { ListedModel, ModelState } from "../core/protocol.ts";
import type { StoredFile } from "./file-store.ts";
import type { ModelEntry, ModelFile, ModelManifest } from "./model-entry.ts";

/** A model while nobody fetches it. `manifest`: what the store knows of it; `stored`: all that is there. */
export function listModel(
  entry: ModelEntry,
  manifest: ModelManifest | undefined,
  stored: readonly StoredFile[],
  device: "wasm" | "webgpu",
): ListedModel {
  const { name, repo, source, parameters, licence, contextTokens } = entry;
  const wanted = manifest ? wantedFiles(manifest) : [];
  const about = entry.source === "embedded" ? sum(sizesOf(entry.files ?? [])) : (entry.aboutBytes?.[device] ?? null);
  return {
    name,
    repo,
    source,
    parameters,
    licence,
    contextTokens,
    sizeBytes: wanted.length > 0 ? sum(sizesOf(wanted)) : about,
    files:
      source === "embedded"
        ? { state: "stored" }
        : stateOf(
            wanted,
            stored.filter(({ model }) => model === name),
          ),
  };
}

function stateOf(wanted: readonly ModelFile[], stored: readonly StoredFile[]): ModelState {
  const bytesOf = ({ path, sizeBytes }: ModelFile) => {
    const here = stored.filter((file) => file.path === path);
    if (here.some((file) => file.isWhole && file.sizeBytes === sizeBytes)) return { bytes: sizeBytes, isWhole: true };
    return { bytes: here.find(({ isWhole }) => !isWhole)?.sizeBytes ?? 0, isWhole: false };
  };
  const here = wanted.map(bytesOf);
  if (here.length > 0 && here.every(({ isWhole }) => isWhole)) return { state: "stored" };
  const loadedBytes = sum(here.map(({ bytes }) => bytes));
  return loadedBytes > 0 ? { state: "paused", loadedBytes, totalBytes: sum(sizesOf(wanted)) } : { state: "remote" };
}

const wantedFiles = ({ files, wanted }: ModelManifest): readonly ModelFile[] =>
  wanted ? files.filter(({ path }) => wanted.includes(path)) : files;

const sizesOf = (files: readonly ModelFile[]): number[] => files.map(({ sizeBytes }) => sizeBytes);

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
