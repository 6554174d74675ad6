import {
  AutoConfig,
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  type PreTrainedTokenizer,
  Tensor,
} from "@huggingface/transformers";
import type { Device } from "../core/protocol.ts";
import type { ModelEntry } from "../models/model-entry.ts";
import { createControlTokenQuoter } from "./control-tokens.ts";
import { encodeSteps } from "./encode.ts";
import { createConstrainer } from "./grammar/constraint.ts";
import { inSlices } from "./in-slices.ts";
import { longestToken } from "./longest-token.ts";
import type { TextCard, TextModel } from "./model.ts";
import { createMutex } from "./mutex.ts";
import { createOnnxModel, type MakeTensor, type OrtSession, type UncheckedModel } from "./onnx-model.ts";
import { PLAIN_CHAT_STOP, PLAIN_CHAT_TEMPLATE } from "./prompt.ts";
import type { Decoder, Tokenizer } from "./tokenizer.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** Bytes of a file of a model; `null` if it has none such. */
export type ReadFile = (path: string) => Promise<ArrayBuffer | null>;

/** Where files come from: the library asks us for each. */
export interface ModelOrigin {
  readonly read: ReadFile;
  /** In Node the runtime takes files from this folder of models itself, without a copy in JavaScript. */
  readonly folder: string | null;
}

export interface LoadOptions {
  readonly origin: ModelOrigin;
  readonly device: Device;
  readonly threads: number;
  /** `onnx/model.onnx`, with so many files of external data beside it. */
  readonly onnx: { readonly path: string; readonly dataFiles: number };
  readonly weights: { readonly precision: string; readonly sizeBytes: number; readonly digest: string };
}

/** Fields of `config.json`, under the names of GPT-2 and of its successors. */
interface ConfigFields {
  readonly model_type?: string;
  readonly n_positions?: number;
  readonly max_position_embeddings?: number;
  readonly vocab_size?: number;
  readonly eos_token_id?: number | number[];
}

/** Reads the small files. This is the only file that knows Transformers.js. */
export async function loadText(entry: ModelEntry, origin: ModelOrigin): Promise<TextModel> {
  offer(entry, origin);
  const [config, generation, tokenizer] = await Promise.all([
    AutoConfig.from_pretrained(entry.repo) as Promise<unknown> as Promise<ConfigFields>,
    readText(origin, "generation_config.json").then((json) => JSON.parse(json ?? "{}") as ConfigFields),
    AutoTokenizer.from_pretrained(entry.repo),
  ]);
  const endTokenIds = [generation.eos_token_id ?? config.eos_token_id ?? []].flat();
  const vocabulary = once(() => readVocabulary(tokenizer));
  const constrain = once(() => createConstrainer(vocabulary(), endTokenIds[0] ?? -1)); // few requests ask for it
  const chatTemplate = ownTemplate(tokenizer) ?? (await readText(origin, "chat_template.jinja"));
  const template = chatTemplate ?? PLAIN_CHAT_TEMPLATE;
  const card: TextCard = {
    name: entry.name,
    family: config.model_type ?? "",
    parameters: entry.parameters,
    licence: entry.licence,
    contextTokens: config.n_positions ?? config.max_position_embeddings ?? 1024,
    vocabularySize: config.vocab_size ?? vocabulary().bytes.length,
    chatTemplate: template,
    endToken: (tokenizer as unknown as { eos_token?: string }).eos_token ?? "",
    defaults: entry.defaults,
  };
  const known = tokenizer._tokenizer as unknown as Tokenizer;
  keepByteOrderMarks(known.decoder);
  // Not all that begin or end a turn are marked as special.
  const quoter = createControlTokenQuoter(
    known,
    ({ id, content, special }) =>
      special || endTokenIds.includes(id) || (content.trim() !== "" && template.includes(content)),
  );
  return {
    card,
    endTokenIds,
    readsChats: chatTemplate !== null,
    chatStop: entry.chatStop ?? (chatTemplate ? [] : PLAIN_CHAT_STOP),
    vocabulary,
    longestToken: once(() => longestToken(known, vocabulary().bytes)),
    encode: (text, special, control = "all", cancelled) =>
      inSlices(encodeSteps(quoter.prepare(text, control), special), cancelled),
    decode(ids, special = false) {
      // The library refuses to decode nothing, and some of its decoders what the vocabulary leaves out.
      const spelled = ids.filter((id) => known.id_to_token(id) !== undefined);
      const options = { skip_special_tokens: !special, clean_up_tokenization_spaces: false };
      return spelled.length === 0 ? "" : tokenizer.decode(spelled, options);
    },
    renderChat(messages) {
      const quoted = quoter.quote(messages.map(({ content }) => content));
      const text = tokenizer.apply_chat_template(
        messages.map((message, index) => ({ ...message, content: quoted?.[index] ?? message.content })),
        { tokenize: false, add_generation_prompt: true, chat_template: template },
      ) as string;
      return { text, control: quoted ? "unquoted" : "all" };
    },
    constrain: (format) => constrain()(format),
  };
}

/**
 * The runtime does one thing at a time: two hosts may each have a generation under way, a model may be loaded meanwhile,
 * and on WebGPU all of these are waited for. Where they overlapped there, session creation failed in
 * `WebGpuContext::Dispatch`, or the runtime's allocator never gave its lock back (docs/decisions/0023).
 */
const alone = createMutex();

/** Starts a session on the weights. */
export async function loadModel(entry: ModelEntry, text: TextModel, options: LoadOptions): Promise<UncheckedModel> {
  const { origin, device, threads, onnx, weights } = options;
  offer(entry, origin);
  const wasm = env.backends.onnx.wasm;
  if (wasm) wasm.numThreads = threads;
  const config = await AutoConfig.from_pretrained(entry.repo);
  const model = await alone(() =>
    AutoModelForCausalLM.from_pretrained(entry.repo, {
      config,
      device,
      // The name is given whole, so that the library adds no suffix of its own.
      model_file_name: onnx.path.replace(/^onnx\//, "").replace(/\.onnx$/, ""),
      dtype: "fp32",
      use_external_data_format: onnx.dataFiles,
    }),
  );
  return createOnnxModel({
    ...text,
    card: { ...text.card, ...weights, loadedMs: Date.now() },
    device,
    threads,
    session: Object.values(model.sessions)[0] as OrtSession,
    makeTensor,
    alone,
  });
}

/** How often it is looked whether the runtime has a GPU device by now. */
const DEVICE_MS = 100;
/** The runtime destroys its device with its last session, and names it until it has another one. */
const gone = new WeakSet<GpuDevice>();

/** Tells once that the GPU which the runtime computes on is lost, be it while a session is made. Returns what ends that. */
export function watchGpu(onLost: (reason: string) => void): () => void {
  let isWatched = true;
  const timer = setInterval(async () => {
    const { webgpu } = env.backends.onnx as { webgpu?: { device?: GpuDevice | Promise<GpuDevice> } };
    const device = await webgpu?.device;
    if (!device || gone.has(device)) return;
    clearInterval(timer);
    const { message } = await device.lost;
    gone.add(device);
    if (isWatched) onLost(message || "the device was lost");
  }, DEVICE_MS);
  return () => {
    isWatched = false;
    clearInterval(timer);
  };
}

/** The part of WebGPU that TypeScript's worker library does not know yet. */
interface GpuDevice {
  readonly lost: Promise<{ readonly message: string }>;
}

/** The template that came with the tokenizer, if it has one; of several the one for chats. */
function ownTemplate(tokenizer: PreTrainedTokenizer): string | null {
  try {
    return tokenizer.get_chat_template() || null;
  } catch {
    return null; // it has none
  }
}

/** The library's decoder of single bytes drops U+FEFF where a run of them begins. */
function keepByteOrderMarks(decoder: Decoder | null): void {
  if (decoder?.text_decoder) decoder.text_decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  decoder?.decoders?.forEach(keepByteOrderMarks);
}

interface DecoderConfig {
  readonly type?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly decoders?: readonly DecoderConfig[];
}

function readVocabulary(tokenizer: PreTrainedTokenizer): Vocabulary {
  const { decoder, model, added_tokens } = tokenizer._tokenizerJSON as {
    readonly decoder: DecoderConfig | null;
    readonly model: { readonly end_of_word_suffix?: string | null };
    readonly added_tokens: ReadonlyArray<{ readonly content: string }>;
  };
  const decoders = [decoder?.decoders ?? decoder ?? []].flat();
  const byteLevel = decoders.some(({ type }) => type === "ByteLevel");
  return vocabularyOf(tokenizer.get_vocab(), tokenizer.all_special_ids, {
    byteLevel,
    wordEnd: decoders.find(({ type }) => type === "BPEDecoder")?.suffix || model.end_of_word_suffix || undefined,
    wordPart: decoders.find(({ type }) => type === "WordPiece")?.prefix,
    literal: new Set(byteLevel ? added_tokens.map(({ content }) => content) : []),
  });
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

// ── Files ──────────────────────────────────────────────────────────────────

/** No such host: what the library asks for is answered here, or not at all. */
const HOST = "https://models.invalid/";
const offered = new Map<string, ReadFile>();

/** The library keeps its settings in one global object. */
function offer(entry: ModelEntry, origin: ModelOrigin): void {
  // Caching is ours: the library's cannot tell a cut download from a whole one.
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.useFSCache = false;
  env.allowRemoteModels = origin.folder === null;
  env.allowLocalModels = origin.folder !== null;
  if (origin.folder !== null) {
    env.localModelPath = origin.folder;
    return;
  }
  offered.set(entry.repo, origin.read);
  env.remoteHost = HOST;
  env.remotePathTemplate = "{model}/";
  env.fetch = answer;
}

/** What the library takes of a response. Not a real one, which would copy the bytes: hundreds of megabytes. */
async function answer(url: string | URL): Promise<Response> {
  const asked = decodeURIComponent(String(url).slice(HOST.length));
  const [repo = "", read] = [...offered].find(([repo]) => asked.startsWith(`${repo}/`)) ?? [];
  const bytes = await read?.(asked.slice(repo.length + 1));
  if (!bytes) return new Response(null, { status: 404 });
  return { ok: true, status: 200, headers: new Headers(), arrayBuffer: async () => bytes } as Response;
}

async function readText({ read }: ModelOrigin, path: string): Promise<string | null> {
  const bytes = await read(path);
  return bytes && new TextDecoder().decode(bytes);
}
