import { type VaultConfig, WELL } from "../core/config.ts";
import { VaultError } from "../core/errors.ts";
import { dtypesFor, onnxPath, pathsToLoad, sizeOf } from "../models/manifest.ts";
import type { Dtype, ModelManifest } from "../models/model-entry.ts";
import type { ComputeTarget, Gpu } from "./device.ts";
import { whyTooLarge } from "./fit.ts";
import type { LoadOptions, ReadFile } from "./load-model.ts";

/** A device, and the precision of the weights for it. */
export interface Attempt {
  readonly gpu: Gpu | null;
  readonly dtype: Dtype;
  readonly paths: readonly string[];
}

/** What can be tried on this device, best first. Throws `model-broken` if nothing can. */
export function attemptsOn({ gpu }: ComputeTarget, manifest: ModelManifest, config: VaultConfig): readonly Attempt[] {
  const attempt = (gpu: Gpu | null) => (dtype: Dtype) => ({ gpu, dtype, paths: pathsToLoad(manifest, dtype) });
  const { dtype } = config;
  const onCpu = () => dtypesFor(manifest, { device: "wasm", shaderF16: false }, dtype.wasm).map(attempt(null));
  if (!gpu) return onCpu();
  const onGpu = dtypesFor(manifest, { device: "webgpu", shaderF16: gpu.shaderF16 }, dtype.webgpu).map(attempt(gpu));
  const [first] = onGpu;
  if (!first) return onCpu();
  const others = orNone(onCpu);
  // Without half precision the GPU would need the full download, four times that of the CPU's 8-bit weights.
  const tooLarge = others[0] && sizeOf(manifest, first.paths) > 3 * sizeOf(manifest, others[0].paths);
  return tooLarge && config.device === "auto" ? others : [...onGpu, ...others];
}

/** Why the weights that were configured for this device are not those that it computes on; `null`: they are. */
export function whyNotAsked(
  { gpu, dtype }: Attempt,
  { name, files }: ModelManifest,
  config: VaultConfig,
): string | null {
  const asked = config.dtype[gpu ? "webgpu" : "wasm"];
  if (asked === null || asked === dtype) return null;
  return onnxPath(files, asked) === null
    ? `${name} has no weights as ${asked}`
    : `This device cannot use ${name} as ${asked}`;
}

/** What a device does badly, as a sentence. Nothing of ours asks for it; a site's configuration may. */
export function cautionOf({ gpu, dtype }: Pick<Attempt, "gpu" | "dtype">): string | null {
  if (gpu) return EIGHT_BITS.includes(dtype) ? `${dtype} is slow on a GPU, and gives wrong text on some.` : null;
  return WELL.wasm.includes(dtype) ? null : `${dtype} is slow on the CPU: q8 or fp32 is faster.`;
}

const EIGHT_BITS: readonly Dtype[] = ["q8", "int8", "uint8"];

/** Weights for the GPU alone are enough where there is one. */
function orNone(attempts: () => readonly Attempt[]): readonly Attempt[] {
  try {
    return attempts();
  } catch {
    return [];
  }
}

/** Those that are no larger than the site's owner allows. */
export function admitted(
  manifest: ModelManifest,
  attempts: readonly Attempt[],
  { limits }: VaultConfig,
): readonly Attempt[] {
  const max = limits.max_download_bytes;
  if (max === null || !["hub", "site"].includes(manifest.source) || attempts.length === 0) return attempts;
  const sizes = attempts.map(({ paths }) => sizeOf(manifest, paths));
  const small = attempts.filter((_, index) => (sizes[index] ?? 0) <= max);
  if (small.length > 0) return small;
  const least = `${megabytes(Math.min(...sizes), Math.ceil)} MB to download`;
  throw new VaultError(
    "model-too-large",
    `${manifest.name} has ${least}, and this site allows ${megabytes(max, Math.floor)} MB a model. Use a smaller one.`,
  );
}

/** To a tenth: a limit and what exceeds it should not read the same. */
const megabytes = (bytes: number, round: (value: number) => number): number => round(bytes / 1e5) / 10;

/** Those that this device has the memory for. Throws `model-too-large` if there is none. */
export async function thatFit(manifest: ModelManifest, attempts: readonly Attempt[], read: ReadFile) {
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

export function weightsOf(
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
