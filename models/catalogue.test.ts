import { expect, test } from "vitest";
import { chooseFiles, findModel } from "./catalogue.ts";

test("`findModel()` knows a model by its name and by its hub id, and takes any other id", () => {
  expect(findModel("distilgpt2")).toBe(findModel("Xenova/distilgpt2"));
  expect(findModel("minivault-demo").embedded).toBe(true);
  expect(findModel("someone/some-gpt2")).toMatchObject({ repo: "someone/some-gpt2", files: null });
});

test("`chooseFiles()` prefers merged decoders, 8 bits for the CPU and half precision for the GPU", () => {
  expect(
    chooseFiles([
      "decoder_model.onnx",
      "decoder_model_merged.onnx",
      "decoder_model_merged_fp16.onnx",
      "decoder_model_merged_q4.onnx",
      "decoder_model_merged_quantized.onnx",
      "model.onnx",
    ]),
  ).toEqual({
    wasm: "decoder_model_merged_quantized.onnx",
    webgpu: "decoder_model_merged_fp16.onnx",
    fp32: "decoder_model_merged.onnx",
  });
  expect(chooseFiles(["model.onnx"])).toEqual({ wasm: "model.onnx", webgpu: "model.onnx", fp32: "model.onnx" });
  expect(() => chooseFiles(["encoder_model.onnx"])).toThrow(/no decoder-only ONNX among encoder_model.onnx/);
});
