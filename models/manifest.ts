import { VaultError } from "../core/errors.ts";
import type { Device } from "../core/protocol.ts";
import type { Dtype, ModelFile, ModelManifest } from "./model-entry.ts";

/** What Transformers.js appends to a file's name. https://huggingface.co/docs/transformers.js/guides/dtypes */
export const SUFFIX: Readonly<Record<Dtype, string>> = {
  fp32: "",
  fp16: "_fp16",
  q8: "_quantized",
  int8: "_int8",
  uint8: "_uint8",
  q4: "_q4",
  q4f16: "_q4f16",
  bnb4: "_bnb4",
};
const ALL = Object.keys(SUFFIX) as Dtype[];

/** Of both, the merged one is known to take a KV cache, and is the smaller one where 8-bit weights were made late. */
export const STEMS = ["decoder_model_merged", "model"];

const NEEDED = ["config.json", "tokenizer.json", "tokenizer_config.json"];
/** `chat_template.jinja` is where newer repositories keep what used to be in `tokenizer_config.json`. */
const USEFUL = ["generation_config.json", "chat_template.jinja"];

/** The decoder with these weights. `null`: there is none. */
export function onnxPath(files: readonly ModelFile[], dtype: Dtype): string | null {
  const paths = STEMS.map((stem) => `onnx/${stem}${SUFFIX[dtype]}.onnx`);
  return paths.find((path) => has(files, path)) ?? null;
}

/** Weights that a file of 2 GB cannot hold are in others beside it: `….onnx_data`, `….onnx_data_1` and so on. */
export function dataPaths(files: readonly ModelFile[], path: string): string[] {
  const paths: string[] = [];
  for (let next = `${path}_data`; has(files, next); next = `${path}_data_${paths.length}`) paths.push(next);
  return paths;
}

interface Target {
  readonly device: Exclude<Device, "cpu">;
  readonly shaderF16: boolean;
}

/**
 * What to load on a device, best first; an override comes before the model's own table. Empty if the GPU has to do
 * without; for the CPU, which is asked last, that is an error: `model-broken`.
 */
export function dtypesFor(manifest: ModelManifest, target: Target, override: Dtype | null): Dtype[] {
  const { files, name } = manifest;
  const there = ALL.filter((dtype) => onnxPath(files, dtype) !== null);
  if (there.length === 0) {
    const onnx = files.map(({ path }) => path).filter((path) => path.endsWith(".onnx"));
    throw new VaultError(
      "model-broken",
      `${name} has no decoder-only ONNX (onnx/model*.onnx or onnx/decoder_model_merged*.onnx), but ` +
        `${onnx.join(", ") || "no ONNX file at all"}. Choose a text-generation model that Transformers.js can run.`,
    );
  }
  const wanted = [
    ...new Set(override ? [override, ...manifest.dtypes[target.device]] : manifest.dtypes[target.device]),
  ];
  const able = wanted.filter((dtype) => there.includes(dtype) && (target.shaderF16 || !needsF16(target, dtype)));
  if (able.length > 0 || target.device === "webgpu") return able;
  throw new VaultError(
    "model-broken",
    `${name} has nothing that the CPU computes well (${wanted.join(", ")}), only ${there.join(", ")}. Use a browser ` +
      `with WebGPU, or another model; where slow is better than not at all, configure "dtype": {"wasm": "${there[0]}"}.`,
  );
}

/** All that a load reads. Throws `model-broken` if one of them is missing that it cannot do without. */
export function pathsToLoad({ name, files }: ModelManifest, dtype: Dtype): string[] {
  const weights = onnxPath(files, dtype);
  const missing = weights === null ? `weights as ${dtype}` : NEEDED.find((path) => !has(files, path));
  if (weights === null || missing) {
    throw new VaultError(
      "model-broken",
      `${name} has no ${missing}, without which it cannot be loaded. Choose another.`,
    );
  }
  return [...NEEDED, ...USEFUL.filter((path) => has(files, path)), weights, ...dataPaths(files, weights)];
}

export function sizeOf({ files }: ModelManifest, paths: readonly string[]): number {
  return files.reduce((sum, { path, sizeBytes }) => sum + (paths.includes(path) ? sizeBytes : 0), 0);
}

const has = (files: readonly ModelFile[], path: string): boolean => files.some((file) => file.path === path);

const needsF16 = ({ device }: Target, dtype: Dtype): boolean =>
  device === "webgpu" && (dtype === "fp16" || dtype === "q4f16");
