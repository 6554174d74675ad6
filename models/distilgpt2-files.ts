import type { ModelFile } from "./model-entry.ts";

/** A commit, not a branch: its files are these for ever. */
export const DISTILGPT2_REVISION = "a41c10485c18a64b6606729b6a082330cbd8f49e";

const file = (path: string, sizeBytes: number, hex: string): ModelFile => ({
  path,
  sizeBytes,
  hash: { type: "sha256", hex },
});

/** Known here, so that the default model needs no question to the hub before its download. */
export const DISTILGPT2_FILES: readonly ModelFile[] = [
  file("config.json", 987, "0e0fb9cdeb3a605afc6ce8f1c9830a2d78c7ad2596e498acc66b4ab2338edf51"),
  file("generation_config.json", 124, "fa12d604e4ab52705c56eb9394c5d6a451cee884607fc25a8cd3388fc775c2be"),
  file("tokenizer.json", 2_107_653, "cda20b8ca044949aa07ac4078420c80d1a57139d5f9f33700e46fb2d891e7c66"),
  file("tokenizer_config.json", 234, "551e26ec611d8d0c8edc3ef72e518a38418cb71f40de1347dd486a595e1557d7"),
  file(
    "onnx/decoder_model_merged_quantized.onnx",
    84_911_479,
    "dfd02dcbfccb31d289cac235f71cecad357030866fe7019f05a36b1c5692afba",
  ),
  file(
    "onnx/decoder_model_merged_fp16.onnx",
    165_293_231,
    "8bac9ef91d8b4e6e72b4110a4e51fa160a8b2bcc2e16528facb3e146d3bc892a",
  ),
  file(
    "onnx/decoder_model_merged.onnx",
    330_225_623,
    "6f33cbbbb061dfaec0f2ae9f182d39bedb587ccf84938b98f01fb19f40970c90",
  ),
];
