import { AutoConfig, AutoModelForCausalLM, AutoTokenizer, env, Tensor } from "@huggingface/transformers";
import type { Device } from "../core/protocol.ts";
import type { ModelEntry } from "./catalogue.ts";
import type { LanguageModel } from "./model.ts";
import { createOnnxModel, type MakeTensor, type OrtSession } from "./onnx-model.ts";

/** Where files come from: an origin that serves them, or (in Node) a folder that holds them. */
type ModelOrigin =
  | { readonly type: "http"; readonly host: string; readonly pathTemplate: string; readonly fetch: FetchFile }
  | { readonly type: "folder"; readonly path: string };

type FetchFile = (url: string | URL) => Promise<Response>;

export interface LoadOptions {
  readonly origin: ModelOrigin;
  readonly device: Device;
  readonly threads: number;
  /** Names under `onnx/`, to be tried in this order. */
  readonly files: readonly string[];
}

const DECODE_OPTIONS = { skip_special_tokens: true, clean_up_tokenization_spaces: false };

/** Fields of `config.json`, under the names of GPT-2 and of its successors. */
interface ConfigFields {
  readonly n_positions?: number;
  readonly max_position_embeddings?: number;
  readonly eos_token_id?: number | number[];
}

/** Fetches and starts a model. The only file that knows Transformers.js. */
export async function loadModel(entry: ModelEntry, options: LoadOptions): Promise<LanguageModel> {
  const { origin, device, threads, files } = options;
  configureLibrary(origin, threads);
  const config = await AutoConfig.from_pretrained(entry.repo);
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained(entry.repo),
    firstThatLoads(files, (file) =>
      AutoModelForCausalLM.from_pretrained(entry.repo, {
        config,
        device,
        // The name is given whole, so that the library adds no suffix of its own.
        model_file_name: file.replace(/\.onnx$/, ""),
        dtype: "fp32",
      }),
    ),
  ]);
  const fields = config as unknown as ConfigFields;
  return createOnnxModel({
    name: entry.name,
    device,
    threads,
    contextTokens: fields.n_positions ?? fields.max_position_embeddings ?? 1024,
    endTokenIds: [model.generation_config?.eos_token_id ?? fields.eos_token_id ?? []].flat(),
    defaults: entry.defaults,
    session: Object.values(model.sessions)[0] as OrtSession,
    makeTensor,
    encode: (text) => tokenizer.encode(text),
    // The library refuses to decode nothing, which is what an answer that ends at once has.
    decode: (ids) => (ids.length === 0 ? "" : tokenizer.decode([...ids], DECODE_OPTIONS)),
  });
}

const makeTensor: MakeTensor = (type, data, dims) =>
  new Tensor(type as "int64", data as BigInt64Array, [...dims]).ort_tensor as ReturnType<MakeTensor>;

/** The library keeps its settings in one global object. */
function configureLibrary(origin: ModelOrigin, threads: number): void {
  const wasm = env.backends.onnx.wasm;
  if (wasm) wasm.numThreads = threads;
  // Caching is ours: the library's cannot tell a cut download from a whole one.
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.useFSCache = false;
  env.allowRemoteModels = origin.type === "http";
  env.allowLocalModels = origin.type === "folder";
  if (origin.type === "folder") {
    env.localModelPath = origin.path;
  } else {
    env.remoteHost = origin.host;
    env.remotePathTemplate = origin.pathTemplate;
    env.fetch = (url: string | URL) => origin.fetch(url);
  }
}

async function firstThatLoads<T>(files: readonly string[], load: (file: string) => Promise<T>): Promise<T> {
  const [file, ...others] = files;
  if (file === undefined) throw new Error("there is no file for this device");
  try {
    return await load(file);
  } catch (cause) {
    if (others.length === 0) throw cause;
    return firstThatLoads(others, load);
  }
}
