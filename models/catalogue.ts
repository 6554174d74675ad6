import type { VaultConfig } from "../core/config.ts";
import { GREEDY, type Sampling } from "../core/protocol.ts";
import { DISTILGPT2_FILES, DISTILGPT2_REVISION } from "./distilgpt2-files.ts";
import { EMBEDDED_FILES } from "./embedded-files.ts";
import type { DtypeTable, ModelEntry, ModelManifest } from "./model-entry.ts";

/** Of models that were not made to say one thing. */
export const NUCLEUS: Sampling = { ...GREEDY, temperature: 0.8, topK: 50, topP: 0.95 };

/**
 * What is tried where nobody said. 8-bit weights give wrong text on several GPUs (transformers.js#1286, #1317, #1512),
 * and 4-bit weights are slow on the CPU: two or three tokens a second.
 */
export const DTYPES: DtypeTable = { webgpu: ["fp16", "q4f16", "q4", "fp32"], wasm: ["q8", "int8", "uint8", "fp32"] };

/** 1.1 M parameters, 4 MB: greedy, since it knows few things and those by heart. */
export const EMBEDDED: ModelManifest = {
  name: "minivault-demo",
  source: "embedded",
  repo: "minivault-demo",
  revision: "main",
  files: EMBEDDED_FILES,
  dtypes: { webgpu: ["fp32"], wasm: ["fp32"] },
  defaults: GREEDY,
  parameters: "1.1M",
  licence: "MIT",
  contextTokens: null,
  chatStop: ["\nUser:"],
  aboutBytes: null,
};

const ON_HUB = {
  source: "hub",
  revision: "main",
  files: null,
  dtypes: DTYPES,
  defaults: NUCLEUS,
  parameters: "",
  licence: "",
  contextTokens: null,
  chatStop: null,
  aboutBytes: null,
} as const satisfies Partial<ModelEntry>;

const megabytes = (wasm: number, webgpu: number) => ({ wasm: wasm * 1e6, webgpu: webgpu * 1e6 });

/**
 * Names are those of Ollama's library where it has the model. `aboutBytes` is a guide for people: what is downloaded,
 * and checked, is what the hub's tree says.
 */
const CATALOGUE: readonly ModelEntry[] = [
  EMBEDDED,
  // q4 is no smaller than fp32, and q4f16 no smaller than fp16.
  // https://huggingface.co/Xenova/distilgpt2/tree/a41c10485c18a64b6606729b6a082330cbd8f49e
  {
    ...ON_HUB,
    name: "distilgpt2",
    repo: "Xenova/distilgpt2",
    revision: DISTILGPT2_REVISION,
    files: DISTILGPT2_FILES,
    dtypes: { webgpu: ["fp16", "fp32"], wasm: ["q8", "fp32"] },
    parameters: "82M",
    licence: "Apache-2.0",
    contextTokens: 1024,
    aboutBytes: megabytes(87, 167),
  },
  // Merged decoders as fp32 (501 MB) and q8 (128 MB) only, so fp16 is that of `model_fp16.onnx` (251 MB), and q4 no
  // smaller than fp32. https://huggingface.co/Xenova/gpt2/tree/main/onnx
  {
    ...ON_HUB,
    name: "gpt2",
    repo: "Xenova/gpt2",
    dtypes: { webgpu: ["fp16", "fp32"], wasm: ["q8", "fp32"] },
    parameters: "124M",
    licence: "MIT",
    contextTokens: 1024,
    aboutBytes: megabytes(130, 253),
  },
  // int8 137 MB and q4f16 118 MB. https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct/tree/main/onnx
  {
    ...ON_HUB,
    name: "smollm2:135m",
    repo: "HuggingFaceTB/SmolLM2-135M-Instruct",
    dtypes: { webgpu: ["q4f16", "fp16", "q4", "fp32"], wasm: DTYPES.wasm },
    parameters: "135M",
    licence: "Apache-2.0",
    contextTokens: 8192,
    aboutBytes: megabytes(140, 120),
  },
  // q4f16 299 MB. 8-bit weights were not among its files in 2025; where there are none, fp32 is 1.64 GB.
  // https://huggingface.co/HuggingFaceTB/SmolLM2-360M-Instruct/tree/main/onnx
  {
    ...ON_HUB,
    name: "smollm2:360m",
    repo: "HuggingFaceTB/SmolLM2-360M-Instruct",
    dtypes: { webgpu: ["q4f16", "fp16", "q4", "fp32"], wasm: DTYPES.wasm },
    parameters: "362M",
    licence: "Apache-2.0",
    contextTokens: 8192,
    aboutBytes: megabytes(1640, 300),
  },
  // Half precision overflows on WebGPU: https://github.com/microsoft/onnxruntime/issues/26732. Sizes are counted from
  // its 268 M parameters, 168 M of them embeddings, which 4-bit files keep whole.
  // https://huggingface.co/onnx-community/gemma-3-270m-it-ONNX
  {
    ...ON_HUB,
    name: "gemma3:270m",
    repo: "onnx-community/gemma-3-270m-it-ONNX",
    dtypes: { webgpu: ["q4", "fp32"], wasm: DTYPES.wasm },
    parameters: "268M",
    licence: "Gemma",
    contextTokens: 32768,
    aboutBytes: megabytes(1100, 770),
  },
  // q8 512 MB and q4 786 MB, which the library's own guide runs on WebGPU; half precision comes after it.
  // https://huggingface.co/onnx-community/Qwen2.5-0.5B-Instruct/tree/main/onnx
  {
    ...ON_HUB,
    name: "qwen2.5:0.5b",
    repo: "onnx-community/Qwen2.5-0.5B-Instruct",
    dtypes: { webgpu: ["q4", "q4f16", "fp16"], wasm: ["q8", "int8", "uint8"] },
    parameters: "494M",
    licence: "Apache-2.0",
    contextTokens: 32768,
    aboutBytes: megabytes(520, 800),
  },
  // q4f16 570 MB and q4 919 MB; q8 is counted from its parameters. fp32 would be more than WASM can address.
  // https://huggingface.co/onnx-community/Qwen3-0.6B-ONNX
  {
    ...ON_HUB,
    name: "qwen3:0.6b",
    repo: "onnx-community/Qwen3-0.6B-ONNX",
    dtypes: { webgpu: ["q4f16", "q4", "fp16"], wasm: ["q8", "int8", "uint8"] },
    parameters: "596M",
    licence: "Apache-2.0",
    contextTokens: 40960,
    aboutBytes: megabytes(620, 580),
  },
];

/** All models that have a name; those of the site's configuration come first, and replace ours of the same name. */
export function catalogueOf(config: VaultConfig): readonly ModelEntry[] {
  const own = config.models.map(configured);
  return [...own, ...CATALOGUE.filter(({ name }) => !own.some((entry) => entry.name === name))];
}

/**
 * A model by its name, or by its hub id: any repository with a decoder-only ONNX will do, unless the site's
 * configuration admits the named ones only. `null`: there is no such model.
 */
export function findEntry(nameOrId: string, config: VaultConfig): ModelEntry | null {
  const entries = catalogueOf(config);
  const known = entries.find(({ name }) => name === nameOrId) ?? entries.find(({ repo }) => repo === nameOrId);
  if (known) return known;
  const isHubId = /^\w[\w.-]*\/\w[\w.-]*$/.test(nameOrId);
  const admitted = config.limits.hub_ids || nameOrId === config.model;
  return isHubId && admitted ? { ...ON_HUB, name: nameOrId, repo: nameOrId } : null;
}

/** What the site's owner leaves out is as in our entry for the same repository, if we have one. */
function configured(given: VaultConfig["models"][number]): ModelEntry {
  const { name, repo = name, revision, dtypes } = given;
  const ours: Omit<ModelEntry, "name" | "repo"> = CATALOGUE.find((entry) => entry.repo === repo) ?? ON_HUB;
  // Our list of files is that of one commit.
  const base = { ...ours, ...(revision && revision !== ours.revision ? { revision, files: null } : {}) };
  return {
    ...base,
    name,
    repo,
    source: repo.includes("/") ? "hub" : base.source === "embedded" ? "embedded" : "site",
    dtypes: { webgpu: dtypes?.webgpu ?? base.dtypes.webgpu, wasm: dtypes?.wasm ?? base.dtypes.wasm },
    parameters: given.parameters ?? base.parameters,
    licence: given.licence ?? base.licence,
    contextTokens: given.context_tokens ?? base.contextTokens,
    chatStop: given.chat_stop ?? base.chatStop,
  };
}
