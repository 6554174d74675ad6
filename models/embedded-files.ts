import type { ModelFile } from "./model-entry.ts";

/** Of the weights that come with the app. They are known here, so that a first visit need not ask. */
export const EMBEDDED_FILES: readonly ModelFile[] = [
  {
    path: "config.json",
    sizeBytes: 350,
    hash: { type: "sha256", hex: "14d2098eed98c17aa34c36c510f77b6c456c7d209f4076c59565f141a1c76b75" },
  },
  {
    path: "generation_config.json",
    sizeBytes: 50,
    hash: { type: "sha256", hex: "00d4f76a60f8323ec7c0b90a6a666cc11c5a6e39877a05ab195905e48e6bb943" },
  },
  {
    path: "tokenizer.json",
    sizeBytes: 47_539,
    hash: { type: "sha256", hex: "9d0521088b02160d058c1ee84f32711c939a04c4cb2a9dc508c8327bfc198458" },
  },
  {
    path: "tokenizer_config.json",
    sizeBytes: 503,
    hash: { type: "sha256", hex: "3c29bc62c57e6723c3b1e664f21e1740d7e0d786c5b5c23661c6fc2daa69ce15" },
  },
  {
    path: "onnx/model.onnx",
    sizeBytes: 4_396_861,
    hash: { type: "sha256", hex: "61a66b7212c339429fab89e89f2bf341e4151009b32c1001205ec552f6a17338" },
  },
];
