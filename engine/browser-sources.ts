import type { VaultConfig } from "../core/config.ts";
import { asVaultError, reasonOf, VaultError } from "../core/errors.ts";
import type { Avoidable, ErrorCode, Fallback } from "../core/protocol.ts";
import { EMBEDDED, findEntry } from "../models/catalogue.ts";
import { dtypesFor, onnxPath, pathsToLoad, sizeOf } from "../models/manifest.ts";
import type { Dtype, ModelManifest } from "../models/model-entry.ts";
import type { ModelLibrary } from "../models/model-library.ts";
import { type ComputeTarget, type Gpu, gpuBuild } from "./device.ts";
import { whyTooLarge } from "./fit.ts";
import type { LoadOptions, ModelOrigin } from "./load-model.ts";
import type { LanguageModel, TextModel } from "./model.ts";
import type { ModelSource, ModelSources, Report } from "./model-source.ts";
import { chooseBuild } from "./ort-build.ts";
import { selfCheck } from "./self-check.ts";

export interface BrowserSourcesOptions {
  readonly config: VaultConfig;
  /** Where `models/` is. */
  readonly baseUrl: string;
  readonly library: ModelLibrary;
  readonly target: ComputeTarget;
  /** Only a new worker can go on: what this one computes with is lost. */
  readonly onBroken: (part: Avoidable, reason: string) => void;
}

/** A device, and the precision of the weights for it. */
interface Attempt {
  readonly gpu: Gpu | null;
  readonly dtype: Dtype;
  readonly paths: readonly string[];
}

/** How models are loaded in a browser: on WebGPU if it computes rightly, else on the CPU. */
export function browserSources(options: BrowserSourcesOptions): ModelSources {
  const { config, baseUrl, library, target, onBroken } = options;
  let build: "gpu" | "cpu" | undefined;

  /** Best first. A worker can load only one build of the runtime, so the first model decides which. */
  const attemptsFor = (manifest: ModelManifest): readonly Attempt[] => {
    const attempts = attemptsOn(target, manifest, config);
    build ??= attempts[0]?.gpu ? "gpu" : "cpu";
    chooseBuild(build === "gpu" ? gpuBuild() : "wasm");
    return build === "gpu" ? attempts : attempts.filter(({ gpu }) => !gpu);
  };

  /** What comes with the app is not in the library: a first visit has no need of it. */
  const describe = async (name: string) => (name === EMBEDDED.name ? EMBEDDED : library.describe(name));
  const read = (manifest: ModelManifest, path: string) =>
    manifest === EMBEDDED ? readEmbedded(path, baseUrl) : library.read(manifest, path);
  const fetchFiles: ModelLibrary["fetch"] = async (manifest, paths, handle) => {
    if (manifest !== EMBEDDED) await library.fetch(manifest, paths, handle);
  };

  const prepare = async (name: string, report: Report, signal: AbortSignal) => {
    const manifest = await describe(name);
    const attempts = attemptsFor(manifest);
    const [best] = attempts;
    if (!best) throw new VaultError("model-broken", `${name} has no weights that this device can use.`);
    const origin: ModelOrigin = { read: (path) => read(manifest, path), folder: null };
    await fetchFiles(manifest, best.paths.filter(isSmall), { signal });
    const { loadText } = await import("./load-model.ts");
    const text = await loadText(manifest, origin);
    const fitting = await assertFits(manifest, attempts, origin);
    await fetchFiles(manifest, fitting[0]!.paths, { onProgress: report, signal });
    return {
      text,
      start: (report: Report, signal: AbortSignal) => start(manifest, text, origin, fitting, report, signal),
    };
  };

  const start = async (
    manifest: ModelManifest,
    text: TextModel,
    origin: ModelOrigin,
    attempts: readonly Attempt[],
    report: Report,
    signal: AbortSignal,
  ): Promise<LanguageModel> => {
    const { noGpu, threads } = target;
    const failures: string[] = noGpu ? [noGpu] : [];
    for (const attempt of attempts) {
      await fetchFiles(manifest, attempt.paths, { onProgress: report, signal });
      try {
        const model = await startOn(attempt, manifest, text, origin, threads);
        return { ...model, fallback: failures.length > 0 ? settledFor(attempt, failures) : null };
      } catch (cause) {
        if (FINAL.has(asVaultError(cause).code)) throw cause;
        failures.push(`${attempt.gpu ? "WebGPU" : "The CPU"} failed on ${attempt.dtype} (${reasonOf(cause)})`);
      }
    }
    if (threads > 1 && failures.some((failure) => failure.includes(NO_RUNTIME))) {
      onBroken("threads", failures.join("; "));
      return NEVER;
    }
    const tried = failures.join("; ");
    throw new VaultError(
      "model-broken",
      `${manifest.name} cannot be loaded: ${tried}. Delete its files, or use another.`,
    );
  };

  const startOn = async (
    { gpu, dtype, paths }: Attempt,
    manifest: ModelManifest,
    text: TextModel,
    origin: ModelOrigin,
    threads: number,
  ): Promise<Omit<LanguageModel, "fallback">> => {
    const { gpuLost, loadModel } = await import("./load-model.ts");
    const device = gpu ? "webgpu" : "wasm";
    const model = await loadModel(manifest, text, {
      origin,
      device,
      threads,
      ...weightsOf(manifest, dtype, paths),
    });
    try {
      const checked = { ...model, selfCheck: await selfCheck(model) };
      if (!gpu) return checked;
      const lost = gpuLost();
      void lost.then((reason) => onBroken("webgpu", reason));
      return { ...checked, forward: (...args) => orLost(checked.forward(...args), lost) };
    } catch (cause) {
      await model.dispose();
      throw cause;
    }
  };

  const source = (name: string): ModelSource => ({
    name,
    prepare: (report, signal) => prepare(name, report, signal),
  });

  return {
    async find(nameOrId) {
      const entry = findEntry(nameOrId, config);
      if (entry) return source(entry.name);
      const names = (await library.list()).map(({ name }) => name); // with those that were brought from the disk
      if (names.includes(nameOrId)) return source(nameOrId);
      throw new VaultError("model-not-found", `There is no model ${nameOrId}. There is: ${names.join(", ")}.`, {
        field: "model",
      });
    },
    list: () => library.list(),
    async pull(name) {
      if (name === EMBEDDED.name) return;
      const manifest = await library.describe(name);
      const [best] = attemptsFor(manifest);
      library.fetch(manifest, best?.paths ?? [], {}).catch(() => {}); // the list tells
    },
    pause: (name) => library.pause(name),
    async remove(name) {
      if (name === EMBEDDED.name) throw new VaultError("bad-request", `${name} comes with the app, and stays with it.`);
      await library.remove(name);
    },
  };
}

/** Failures before it are those of what was wanted. */
const settledFor = ({ gpu, dtype }: Attempt, failures: readonly string[]): Fallback => ({
  wanted: gpu || failures.some((failure) => failure.includes("WebGPU")) ? "webgpu" : "wasm",
  reason: `${failures.join("; ")}, so the ${gpu ? "GPU" : "CPU"} computes${gpu ? ` on ${dtype}` : ""}`,
});

/** What another device would not help against. */
const FINAL: ReadonlySet<ErrorCode> = new Set(["model-unavailable", "storage-full", "load-cancelled"]);
/** What the runtime says when it cannot even start. */
const NO_RUNTIME = "no available backend";

/** A pass may fail before the browser says that the device is gone. */
const LOST_MS = 2_000;

/** A worker that is broken says nothing more: its page ends it, and whoever waits turns to the next one. */
const NEVER = new Promise<never>(() => {});

/** A lost device is the end of this engine, not of the answer. */
async function orLost<T>(pass: Promise<T>, lost: Promise<string>): Promise<T> {
  try {
    return await pass;
  } catch (cause) {
    const reason = await Promise.race([lost, new Promise<null>((resolve) => setTimeout(resolve, LOST_MS, null))]);
    if (reason === null) throw cause;
    return NEVER;
  }
}

async function readEmbedded(path: string, baseUrl: string): Promise<ArrayBuffer | null> {
  if (!EMBEDDED.files.some((file) => file.path === path)) return null;
  const url = new URL(`models/${EMBEDDED.repo}/${path}`, baseUrl);
  const response = await fetch(url).catch(() => null);
  if (response?.ok) return response.arrayBuffer();
  throw new VaultError("model-unavailable", `${url.pathname} of this site cannot be had. Reload the page.`);
}

const isSmall = (path: string): boolean => !path.startsWith("onnx/");

function attemptsOn({ gpu }: ComputeTarget, manifest: ModelManifest, config: VaultConfig): readonly Attempt[] {
  const attempt = (gpu: Gpu | null) => (dtype: Dtype) => ({ gpu, dtype, paths: pathsToLoad(manifest, dtype) });
  const { dtype } = config;
  const cpu = dtypesFor(manifest, { device: "wasm", shaderF16: false }, dtype.wasm).map(attempt(null));
  if (!gpu) return cpu;
  const all = dtypesFor(manifest, { device: "webgpu", shaderF16: gpu.shaderF16 }, dtype.webgpu).map(attempt(gpu));
  const [first] = all;
  // Without half precision the GPU would need the full download, four times that of the CPU's 8-bit weights.
  const tooLarge = first && cpu[0] && sizeOf(manifest, first.paths) > 3 * sizeOf(manifest, cpu[0].paths);
  return tooLarge && config.device === "auto" ? cpu : [...all, ...cpu];
}

async function assertFits(manifest: ModelManifest, attempts: readonly Attempt[], { read }: ModelOrigin) {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  const largest = await largestTensor(await read("config.json"));
  const refusals = new Map(
    attempts.map((attempt) => {
      const weightsBytes = sizeOf(manifest, attempt.paths);
      const footprint = { name: manifest.name, weightsBytes, largestTensorBytes: largest * bytesOf(attempt.dtype) };
      return [attempt, whyTooLarge(footprint, attempt.gpu, deviceMemory)] as const;
    }),
  );
  const fitting = attempts.filter((attempt) => !refusals.get(attempt));
  if (fitting.length > 0) return fitting;
  const [why] = refusals.values();
  throw new VaultError("model-too-large", `${manifest.name} does not fit: ${why}. Use a smaller one.`);
}

/** Numbers in the embeddings. */
async function largestTensor(config: ArrayBuffer | null): Promise<number> {
  const {
    vocab_size = 0,
    hidden_size,
    n_embd,
  } = JSON.parse(new TextDecoder().decode(config ?? new ArrayBuffer(0)) || "{}");
  return vocab_size * (hidden_size ?? n_embd ?? 0);
}

const bytesOf = (dtype: Dtype): number => (dtype === "fp32" ? 4 : dtype.endsWith("16") ? 2 : 1);

const PRECISIONS: Record<Dtype, string> = {
  fp32: "F32",
  fp16: "F16",
  q8: "Q8",
  int8: "Q8",
  uint8: "Q8",
  q4: "Q4",
  q4f16: "Q4",
  bnb4: "Q4",
};

function weightsOf(
  manifest: ModelManifest,
  dtype: Dtype,
  paths: readonly string[],
): Pick<LoadOptions, "onnx" | "weights"> {
  const path = onnxPath(manifest.files, dtype) ?? "";
  const dataFiles = paths.filter((other) => other.startsWith(`${path}_data`)).length;
  const hash = manifest.files.find((file) => file.path === path)?.hash;
  return {
    onnx: { path, dataFiles },
    weights: { precision: PRECISIONS[dtype], sizeBytes: sizeOf(manifest, paths), digest: hash?.hex ?? "" },
  };
}
