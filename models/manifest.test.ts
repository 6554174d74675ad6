import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../core/config.ts";
import { findEntry } from "./catalogue.ts";
import { dataPaths, dtypesFor, onnxPath, pathsToLoad, sizeOf } from "./manifest.ts";
import type { ModelManifest } from "./model-entry.ts";

const JSONS = ["config.json", "tokenizer.json", "tokenizer_config.json"];
const GPU = { device: "webgpu", shaderF16: true } as const;
const CPU = { device: "wasm", shaderF16: false } as const;

const manifestOf = (...onnx: string[]): ModelManifest => {
  const entry = findEntry("a/b", parseConfig({}));
  if (!entry) throw new Error("no entry");
  const paths = [...JSONS, ...onnx.map((name) => `onnx/${name}`)];
  return { ...entry, files: paths.map((path) => ({ path, sizeBytes: path.length, hash: null })) };
};

test("`onnxPath()` prefers merged decoders", () => {
  const { files } = manifestOf("decoder_model_merged_quantized.onnx", "model_quantized.onnx", "model.onnx");
  expect(onnxPath(files, "q8")).toBe("onnx/decoder_model_merged_quantized.onnx");
  expect(onnxPath(files, "fp32")).toBe("onnx/model.onnx");
  expect(onnxPath(files, "fp16")).toBeNull();
});

test.each([
  ["half precision on a GPU that has it", GPU, ["fp16", "fp32"]],
  ["none on a GPU that has not", { ...GPU, shaderF16: false }, ["fp32"]],
  ["8 bits on the CPU", CPU, ["q8", "fp32"]],
])("`dtypesFor()` chooses %s", (_, target, dtypes) => {
  const all = manifestOf("model.onnx", "model_fp16.onnx", "model_quantized.onnx");
  expect(dtypesFor(all, target, null)).toEqual(dtypes);
});

test("`dtypesFor()` puts an override first, if there are such weights", () => {
  const all = manifestOf("model.onnx", "model_fp16.onnx", "model_q4.onnx");
  expect(dtypesFor(all, GPU, "fp32")).toEqual(["fp32", "fp16", "q4"]);
  expect(dtypesFor(all, GPU, "q4f16")).toEqual(["fp16", "q4", "fp32"]);
});

test("4-bit weights are for the GPU, unless the CPU was asked to: what it cannot compute well is refused with a sentence", () => {
  const onlyQ4 = manifestOf("model_q4.onnx");
  expect(dtypesFor(onlyQ4, GPU, null)).toEqual(["q4"]);
  expect(() => dtypesFor(onlyQ4, CPU, null)).toThrow(/nothing that the CPU computes well.*only q4.*WebGPU/);
  expect(dtypesFor(onlyQ4, CPU, "q4")).toEqual(["q4"]);
  expect(dtypesFor(manifestOf("model_quantized.onnx"), GPU, null)).toEqual([]);
  expect(dtypesFor(manifestOf("model_quantized.onnx"), GPU, "q8")).toEqual(["q8"]);
});

test.each([
  ["an encoder", ["encoder_model.onnx"], /no decoder-only ONNX .*but onnx\/encoder_model.onnx/],
  ["no ONNX", [], /but no ONNX file at all/],
])("a model with %s is refused with a sentence", (_, onnx, words) => {
  expect(() => dtypesFor(manifestOf(...onnx), CPU, null)).toThrow(words);
});

test("`pathsToLoad()` names what a load reads, weights in several files too, and nothing else", () => {
  const manifest = manifestOf(
    "model.onnx",
    "model_q4.onnx",
    "model.onnx_data",
    "model.onnx_data_1",
    "model.onnx_data_3",
  );
  const files = [...manifest.files, { path: "chat_template.jinja", sizeBytes: 7, hash: null }];
  const paths = pathsToLoad({ ...manifest, files }, "fp32");
  expect(paths).toEqual([
    ...JSONS,
    "chat_template.jinja",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "onnx/model.onnx_data_1",
  ]);
  expect(sizeOf({ ...manifest, files }, ["chat_template.jinja", "nothing"])).toBe(7);
});

test("`pathsToLoad()` refuses a model without a tokenizer, and weights that are not there", () => {
  const manifest = manifestOf("model.onnx");
  const files = manifest.files.filter(({ path }) => path !== "tokenizer.json");
  expect(() => pathsToLoad({ ...manifest, files }, "fp32")).toThrow(/no tokenizer.json/);
  expect(() => pathsToLoad(manifest, "q8")).toThrow(/no weights as q8/);
});

const anyOnnx = fc
  .tuple(
    fc.constantFrom("model", "decoder_model_merged", "decoder_model", "encoder_model", "model_extra"),
    fc.constantFrom("", "_fp16", "_quantized", "_int8", "_uint8", "_q4", "_q4f16", "_bnb4", "_q2"),
    fc.constantFrom("", "", "_data", "_data_1", "_data_2"),
  )
  .map(([stem, suffix, data]) => `${stem}${suffix}.onnx${data}`);

test("whatever a repository has: what is chosen exists, suits the device, and is loaded whole", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyOnnx), fc.boolean(), fc.boolean(), (onnx, onGpu, shaderF16) => {
      const manifest = manifestOf(...onnx);
      const target = onGpu ? ({ device: "webgpu", shaderF16 } as const) : CPU;
      let dtypes: string[];
      try {
        dtypes = dtypesFor(manifest, target, null);
      } catch (cause) {
        expect(cause).toMatchObject({ code: "model-broken" });
        return;
      }
      if (!onGpu) expect(dtypes.length).toBeGreaterThan(0);
      if (!onGpu) expect(dtypes.some((dtype) => /q4|fp16|bnb4/.test(dtype))).toBe(false);
      if (!shaderF16) expect(dtypes.some((dtype) => dtype.endsWith("f16") || dtype === "fp16")).toBe(false);
      for (const dtype of dtypesFor(manifest, target, null)) {
        const paths = pathsToLoad(manifest, dtype);
        const there = manifest.files.map(({ path }) => path);
        expect(there).toEqual(expect.arrayContaining(paths));
        const weights = onnxPath(manifest.files, dtype) ?? "";
        expect(paths).toContain(weights);
        expect(paths).toEqual(expect.arrayContaining(dataPaths(manifest.files, weights)));
      }
    }),
  );
});
