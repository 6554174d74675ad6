import { afterEach, expect, test, vi } from "vitest";
import { parseConfig } from "../core/config.ts";
import { findEntry } from "../models/catalogue.ts";
import type { ModelManifest } from "../models/model-entry.ts";
import { type Attempt, attemptsOn, cautionOf, thatFit, whyNotAsked } from "./attempts.ts";
import type { ComputeTarget, Gpu } from "./device.ts";

const config = parseConfig({});
const distilgpt2 = findEntry("distilgpt2", config) as ModelManifest;
const gpu: Gpu = { shaderF16: true, maxTensorBytes: 2 ** 31 };
const on = (gpu: Gpu | null): ComputeTarget => ({ gpu, noGpu: null, threads: 2 });

const tried = (target: ComputeTarget, manifest: ModelManifest, asked = {}) =>
  attemptsOn(target, manifest, parseConfig(asked)).map(({ gpu, dtype }) => `${gpu ? "GPU" : "CPU"} ${dtype}`);

afterEach(() => vi.unstubAllGlobals());

const without = (...dtypes: readonly string[]): ModelManifest => ({
  ...distilgpt2,
  files: distilgpt2.files.filter(({ path }) => !dtypes.some((dtype) => path.includes(dtype))),
});

test("half precision on the GPU comes first, then full precision, then the CPU", () => {
  expect(tried(on(gpu), distilgpt2)).toEqual(["GPU fp16", "GPU fp32", "CPU q8", "CPU fp32"]);
  expect(tried(on(null), distilgpt2)).toEqual(["CPU q8", "CPU fp32"]);
});

test("a GPU without half precision is used only if it was asked for: it would take four times the download", () => {
  const slow = { ...gpu, shaderF16: false };
  expect(tried(on(slow), distilgpt2)).toEqual(["CPU q8", "CPU fp32"]);
  expect(tried(on(slow), distilgpt2, { device: "webgpu" })).toEqual(["GPU fp32", "CPU q8", "CPU fp32"]);
});

test("the configuration's precision comes before the model's own", () => {
  expect(tried(on(gpu), distilgpt2, { dtype: "fp32" })).toEqual(["GPU fp32", "GPU fp16", "CPU fp32", "CPU q8"]);
});

const DTYPES = ["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"] as const;

test("weights of any precision are tried first where the configuration asks for them, on either device", () => {
  const onnx = ["", "_fp16", "_quantized", "_int8", "_uint8", "_q4", "_q4f16", "_bnb4"].map((suffix) => ({
    path: `onnx/model${suffix}.onnx`,
    sizeBytes: 1,
    hash: null,
  }));
  const all: ModelManifest = {
    ...distilgpt2,
    files: [...distilgpt2.files.filter(({ path }) => !/onnx$/.test(path)), ...onnx],
  };
  for (const dtype of DTYPES) {
    expect(tried(on(null), all, { dtype: { wasm: dtype } })[0]).toBe(`CPU ${dtype}`);
    expect(tried(on(gpu), all, { dtype: { webgpu: dtype } })[0]).toBe(`GPU ${dtype}`);
  }
});

test("what a device does badly is said, and nothing of what it does well", () => {
  const said = (gpu: Gpu | null) => DTYPES.filter((dtype) => cautionOf({ gpu, dtype }) !== null);
  expect(said(null)).toEqual(["fp16", "q4", "q4f16", "bnb4"]);
  expect(said(gpu)).toEqual(["q8", "int8", "uint8"]);
  expect(cautionOf({ gpu: null, dtype: "q4" })).toBe("q4 is slow on the CPU: q8 or fp32 is faster.");
});

test("weights that were asked for and are not there are named, and so are those that this device cannot use", () => {
  const [best] = attemptsOn(on(null), distilgpt2, config) as [Attempt];
  const why = (wasm: string) => whyNotAsked(best, distilgpt2, parseConfig({ dtype: { wasm } }));
  expect(why("q4")).toBe("distilgpt2 has no weights as q4");
  expect(why("fp32")).toBe("This device cannot use distilgpt2 as fp32");
  expect(why("q8")).toBeNull();
  expect(whyNotAsked(best, distilgpt2, config)).toBeNull();
});

test("weights for one device alone are enough for that device", () => {
  const gpuOnly = {
    ...without("quantized", "merged.onnx"),
    dtypes: { webgpu: ["fp16"], wasm: ["q8"] },
  } as ModelManifest;
  expect(tried(on(gpu), gpuOnly)).toEqual(["GPU fp16"]);
  expect(() => tried(on(null), gpuOnly)).toThrow(/WebGPU/);
});

test("on a device with little memory the smaller weights are left, or a sentence that says why none are", async () => {
  const readConfig = async () => new TextEncoder().encode('{"vocab_size": 50257, "n_embd": 768}').buffer;
  const attempts = attemptsOn(on(gpu), distilgpt2, config);
  vi.stubGlobal("navigator", { deviceMemory: 0.5 });
  expect((await thatFit(distilgpt2, attempts, readConfig)).map(({ dtype }) => dtype)).toEqual(["q8"]);
  vi.stubGlobal("navigator", { deviceMemory: 0.25 });
  await expect(thatFit(distilgpt2, attempts, readConfig)).rejects.toMatchObject({
    code: "model-too-large",
    status: 422,
    message: expect.stringContaining("this device has 0.25 GiB in all"),
  });
});
