import type { Sampling } from "../core/protocol.ts";

/** A model as its owner publishes it. */
export interface ModelEntry {
  /** What requests and responses call it. */
  readonly name: string;
  /** Folder under the model origin: a hub id, or a folder of `public/models/`. */
  readonly repo: string;
  /** Comes with the app: always there, never fetched from the hub. */
  readonly embedded: boolean;
  /** `null`: ask the hub which there are. */
  readonly files: OnnxFiles | null;
  readonly defaults: Sampling;
  /** As its owner counts them: `82M`. */
  readonly parameters: string;
  readonly licence: string;
  /** Texts that end a turn of a chat; `null`: what the chat template needs. */
  readonly chatStop: readonly string[] | null;
}

/** Names in the folder `onnx/` of the repository. */
export interface OnnxFiles {
  readonly wasm: string;
  /** Needs `shader-f16` if the name ends in `_fp16.onnx`. */
  readonly webgpu: string;
  /** Full precision: runs anywhere, where the others do not. */
  readonly fp32: string;
}

export const GREEDY: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  repetitionPenalty: 1,
  repetitionWindow: -1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
};
const NUCLEUS: Sampling = { ...GREEDY, temperature: 0.8, topK: 50, topP: 0.95 };

/** 1.1 M parameters, 4 MB: greedy, since it knows few things and those by heart. */
export const EMBEDDED: ModelEntry = {
  name: "minivault-demo",
  repo: "minivault-demo",
  embedded: true,
  files: { wasm: "model.onnx", webgpu: "model.onnx", fp32: "model.onnx" },
  defaults: GREEDY,
  parameters: "1.1M",
  licence: "MIT",
  chatStop: ["\nUser:"],
};

const CATALOGUE: readonly ModelEntry[] = [
  EMBEDDED,
  {
    name: "distilgpt2",
    repo: "Xenova/distilgpt2",
    embedded: false,
    // 8-bit weights give wrong text on several GPUs (transformers.js#1286, #1317, #1512): half precision there.
    files: {
      wasm: "decoder_model_merged_quantized.onnx",
      webgpu: "decoder_model_merged_fp16.onnx",
      fp32: "decoder_model_merged.onnx",
    },
    defaults: NUCLEUS,
    parameters: "82M",
    licence: "Apache-2.0",
    chatStop: null,
  },
];

/** A model by name, or by hub id: any repository with a decoder-only ONNX will do. */
export function findModel(nameOrId: string): ModelEntry {
  return (
    CATALOGUE.find(({ name, repo }) => nameOrId === name || nameOrId === repo) ?? {
      name: nameOrId,
      repo: nameOrId,
      embedded: false,
      files: null,
      defaults: NUCLEUS,
      parameters: "",
      licence: "",
      chatStop: null,
    }
  );
}

/** Picks from the names in a repository's `onnx/` folder. Throws if none will do. */
export function chooseFiles(names: readonly string[]): OnnxFiles {
  const first = (...wanted: string[]) => wanted.map((stem) => `${stem}.onnx`).find((name) => names.includes(name));
  const fp32 = first("decoder_model_merged", "model");
  const wasm = first("decoder_model_merged_quantized", "model_quantized") ?? fp32;
  const webgpu = first("decoder_model_merged_fp16", "model_fp16") ?? fp32;
  if (!wasm || !webgpu) throw new Error(`no decoder-only ONNX among ${names.join(", ") || "no files"}`);
  return { wasm, webgpu, fp32: fp32 ?? wasm };
}
