import {
  AutoConfig,
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  type PreTrainedTokenizer,
  Tensor,
} from "@huggingface/transformers";
import type { Device } from "../core/protocol.ts";
import type { ModelEntry } from "../models/catalogue.ts";
import { createConstrainer } from "./grammar/constraint.ts";
import type { LanguageModel } from "./model.ts";
import { createOnnxModel, type MakeTensor, type OrtSession } from "./onnx-model.ts";
import { PLAIN_CHAT_STOP, PLAIN_CHAT_TEMPLATE } from "./prompt.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";

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
  /** Of all that was fetched so far; 0 if nobody counts. */
  readonly fetchedBytes?: () => number;
}

const DECODE_OPTIONS = { skip_special_tokens: true, clean_up_tokenization_spaces: false };

/** Fields of `config.json`, under the names of GPT-2 and of its successors. */
interface ConfigFields {
  readonly model_type?: string;
  readonly n_positions?: number;
  readonly max_position_embeddings?: number;
  readonly vocab_size?: number;
  readonly eos_token_id?: number | number[];
}

/** Fetches and starts a model. The only file that knows Transformers.js. */
export async function loadModel(entry: ModelEntry, options: LoadOptions): Promise<LanguageModel> {
  const { origin, device, threads, files, fetchedBytes = () => 0 } = options;
  configureLibrary(origin, threads);
  const config = await AutoConfig.from_pretrained(entry.repo);
  const [tokenizer, { model, file }] = await Promise.all([
    AutoTokenizer.from_pretrained(entry.repo),
    firstThatLoads(files, async (file) => ({
      file,
      model: await AutoModelForCausalLM.from_pretrained(entry.repo, {
        config,
        device,
        // The name is given whole, so that the library adds no suffix of its own.
        model_file_name: file.replace(/\.onnx$/, ""),
        dtype: "fp32",
      }),
    })),
  ]);
  const fields = config as unknown as ConfigFields;
  const endTokenIds = [model.generation_config?.eos_token_id ?? fields.eos_token_id ?? []].flat();
  const vocabulary = once(() => readVocabulary(tokenizer));
  const constrain = once(() => createConstrainer(vocabulary(), endTokenIds[0] ?? -1)); // few requests ask for it
  const chatTemplate = ownTemplate(tokenizer);
  return createOnnxModel({
    card: {
      name: entry.name,
      family: fields.model_type ?? "",
      parameters: entry.parameters,
      precision: precisionOf(file),
      sizeBytes: fetchedBytes(),
      digest: await sha256(`${entry.repo}/onnx/${file}`),
      loadedMs: Date.now(),
      licence: entry.licence,
      contextTokens: fields.n_positions ?? fields.max_position_embeddings ?? 1024,
      vocabularySize: fields.vocab_size ?? vocabulary().bytes.length,
      chatTemplate: chatTemplate ?? PLAIN_CHAT_TEMPLATE,
      endToken: (tokenizer as unknown as { eos_token?: string }).eos_token ?? "",
      defaults: entry.defaults,
    },
    device,
    threads,
    endTokenIds,
    readsChats: chatTemplate !== null,
    chatStop: entry.chatStop ?? (chatTemplate ? [] : PLAIN_CHAT_STOP),
    session: Object.values(model.sessions)[0] as OrtSession,
    makeTensor,
    vocabulary,
    encode: (text, special) => tokenizer.encode(text, { add_special_tokens: special }),
    // The library refuses to decode nothing, which is what an answer that ends at once has.
    decode: (ids) => (ids.length === 0 ? "" : tokenizer.decode([...ids], DECODE_OPTIONS)),
    renderChat: (messages) =>
      tokenizer.apply_chat_template([...messages], {
        tokenize: false,
        add_generation_prompt: true,
        chat_template: chatTemplate ?? PLAIN_CHAT_TEMPLATE,
      }) as string,
    constrain: (format) => constrain()(format),
  });
}

/** The template that came with the model, if it has one; of several the one for chats. */
function ownTemplate(tokenizer: PreTrainedTokenizer): string | null {
  try {
    return tokenizer.get_chat_template() || null;
  } catch {
    return null; // it has none
  }
}

function readVocabulary(tokenizer: PreTrainedTokenizer): Vocabulary {
  const { decoder } = (tokenizer as unknown as { _tokenizerJSON: { decoder?: object } })._tokenizerJSON;
  const byteLevel = JSON.stringify(decoder ?? {}).includes('"ByteLevel"');
  return vocabularyOf(tokenizer.get_vocab(), tokenizer.all_special_ids, byteLevel);
}

const precisionOf = (file: string): string =>
  /quantized|int8|uint8/.test(file) ? "Q8" : /q4/.test(file) ? "Q4" : /fp16/.test(file) ? "F16" : "F32";

/** Hexadecimal; nothing in an insecure context, which has no hashes. */
async function sha256(text: string): Promise<string> {
  if (!("subtle" in crypto)) return "";
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
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
