import { relative } from "node:path";
import { hubsOf, type VaultConfig } from "../core/config.ts";
import { VaultError } from "../core/errors.ts";
import { catalogueOf, findEntry } from "../models/catalogue.ts";
import { downloadModel } from "../models/download-model.ts";
import { fetchTree } from "../models/hub.ts";
import { dtypesFor, onnxPath, pathsToLoad, sizeOf } from "../models/manifest.ts";
import type { Dtype, ModelEntry, ModelManifest } from "../models/model-entry.ts";
import { PATIENT } from "../models/retry.ts";
import { createFolderStore } from "./folder-store.ts";
import { showProgress } from "./progress-bar.ts";
import { inMegabytes } from "./words.ts";

export interface PullOptions {
  readonly name: string;
  readonly config: VaultConfig;
  readonly devices: ReadonlyArray<"wasm" | "webgpu">;
  /** The configured dtype was asked for, and no other will do. */
  readonly isDtypeFirm: boolean;
  /** The site's folder `models/`. */
  readonly to: string;
  readonly signal: AbortSignal;
}

/** Fetches what the devices need of a model, with the code that fetches it in the browser. Rejects with a sentence. */
export async function pullModel({ name, config, devices, isDtypeFirm, to, signal }: PullOptions): Promise<void> {
  const [hub] = hubsOf(config);
  const origins = { hub, baseUrl: hub };
  const options = { signal, timing: PATIENT, onRetrying: (reason: string | null) => reason && console.error(reason) };
  const entry = entryToPull(name, config);
  const firm = isDtypeFirm ? devices.flatMap((device) => config.dtype[device] ?? []) : [];
  const isKnown = entry.files !== null && firm.every((dtype) => onnxPath(entry.files ?? [], dtype) !== null);
  // Beside the catalogue's own files the hub may have others.
  const files = isKnown ? (entry.files ?? []) : await fetchTree(entry, origins, options);
  // In the folder a model goes by its repository.
  const manifest: ModelManifest = { ...entry, name: entry.repo, files };

  const dtypes = [...new Set(devices.map((device) => dtypeFor(manifest, device, config, isDtypeFirm)))];
  const paths = [...new Set(dtypes.flatMap((dtype) => pathsToLoad(manifest, dtype)))];
  const size = inMegabytes(sizeOf(manifest, paths));
  console.log(`${entry.repo} from ${hub}: ${dtypes.join(" and ")}, ${size} in ${paths.length} files`);

  const progress = showProgress();
  try {
    await downloadModel({
      manifest,
      paths,
      store: createFolderStore(to),
      origins,
      timing: PATIENT,
      signal,
      checkRoom: async () => {}, // a disk that is full says so itself
      onLoaded: progress.loaded,
      onRetrying: progress.retrying,
      onPublished: progress.published,
    });
  } finally {
    progress.stop();
  }
  console.log(`It is in ${relative(process.cwd(), `${to}/${entry.repo}`)}, from where the page takes it. Start with`);
  console.log(`  MINIVAULT_MODEL=${name} npm start`);
}

function entryToPull(name: string, config: VaultConfig): ModelEntry {
  const entry = findEntry(name, config);
  if (entry?.source === "hub") return entry;
  const names = catalogueOf(config).flatMap((known) => (known.source === "hub" ? known.name : []));
  throw new VaultError(
    "model-not-found",
    entry
      ? `${name} need not be fetched: the site has it already.`
      : `There is no model ${name}. Name one of ${names.join(", ")}, or a hub id (owner/name).`,
  );
}

function dtypeFor(manifest: ModelManifest, device: "wasm" | "webgpu", { dtype }: VaultConfig, isFirm: boolean): Dtype {
  const wanted = dtype[device];
  const [best] = dtypesFor(manifest, { device, shaderF16: true }, wanted);
  if (best && (!isFirm || wanted === null || best === wanted)) return best;
  throw new VaultError(
    "model-broken",
    best
      ? `${manifest.name} has no weights as ${wanted}. Leave out --dtype to take ${best}.`
      : `${manifest.name} has nothing for the GPU. Fetch it with --device wasm.`,
  );
}
