import type { PickedFile } from "../core/protocol.ts";
import { DTYPES } from "./catalogue.ts";
import { STEMS, SUFFIX } from "./manifest.ts";
import type { Dtype, DtypeTable } from "./model-entry.ts";
import { OnnxError, readOnnx } from "./onnx-file.ts";

/** What will be stored of the files that somebody picked. */
export interface ImportPlan {
  readonly name: string;
  readonly contextTokens: number | null;
  readonly dtypes: DtypeTable;
  /** By where they are stored. */
  readonly files: readonly PickedFile[];
}

/** Sentences for people, of all that is wrong. */
export interface Refusal {
  readonly problems: readonly string[];
}

/**
 * Whether the files are a model that can run here: a decoder-only configuration, a tokenizer, whole ONNX files with
 * a KV cache and the weights that lie beside them. Of several precisions, the best for the GPU and the best for the
 * CPU are taken.
 */
export async function planImport(
  picked: readonly PickedFile[],
  taken: readonly string[],
): Promise<ImportPlan | Refusal> {
  const root = findRoot(picked);
  if (root instanceof Error) return { problems: [root.message] };
  const files = new Map(
    picked.filter(({ path }) => path.startsWith(root)).map(({ path, file }) => [path.slice(root.length), file]),
  );
  const problems: string[] = [];
  const check = async <T>(checked: Promise<T>): Promise<T | null> => {
    try {
      return await checked;
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      problems.push(cause.message);
      return null;
    }
  };
  const config = await check(readConfig(files));
  await check(readJson(files, "tokenizer_config.json"));
  await check(checkTokenizer(files));
  const weights = await check(findWeights(files));
  for (const { path, file } of weights?.onnx ?? []) {
    await check(
      checkWeights(path, file, files).then((beside) => {
        weights?.files.push(...beside);
      }),
    );
  }
  if (problems.length > 0 || !config || !weights) return { problems };
  const others = SMALL_FILES.flatMap((path) => {
    const file = files.get(path);
    return file ? [{ path, file }] : [];
  });
  return {
    name: freeName(nameOf(root, config), taken),
    contextTokens: contextOf(config),
    dtypes: weights.dtypes,
    files: [...others, ...weights.files],
  };
}

const SMALL_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
];

type Json = Readonly<Record<string, unknown>>;
type Files = ReadonlyMap<string, Blob>;

/** The folder of the model within what was picked: where the `config.json` nearest to the top is. */
function findRoot(picked: readonly PickedFile[]): string | Error {
  const folders = picked
    .flatMap(({ path }) => /^(.*\/)?config\.json$/.exec(path)?.slice(1) ?? [])
    .map((it) => it ?? "");
  const depth = (folder: string) => folder.split("/").length;
  const least = Math.min(...folders.map(depth));
  const [root, another] = folders.filter((folder) => depth(folder) === least);
  if (root === undefined) return new Error("There is no config.json. Pick the folder of a model with all its files.");
  if (another !== undefined) return new Error("There are several models. Pick the folder of one of them.");
  return root;
}

async function readJson(files: Files, path: string): Promise<Json> {
  const file = files.get(path);
  if (!file) throw new Error(`${path} is missing. It belongs beside config.json.`);
  if (file.size > MAX_JSON_BYTES) throw new Error(`${path} is too large to be a configuration.`);
  try {
    const json: unknown = JSON.parse(await file.text());
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  } catch {}
  throw new Error(`${path} is not JSON, or not all of it. Copy it again.`);
}

/** The largest tokenizers have 35 MB. */
const MAX_JSON_BYTES = 100_000_000;

async function readConfig(files: Files): Promise<Json> {
  const config = await readJson(files, "config.json");
  const names = Array.isArray(config["architectures"]) ? config["architectures"].map(String) : [];
  const isCausal = names.some((name) => /(ForCausalLM|LMHeadModel)$/.test(name));
  if (config["is_encoder_decoder"] === true || (names.length > 0 && !isCausal)) {
    throw new Error(
      `config.json names ${short(names.join(", ") || "an encoder")}, and only decoders run here (…ForCausalLM).`,
    );
  }
  if (names.length === 0 && typeof config["model_type"] !== "string") {
    throw new Error("config.json does not say what kind of model it is: it has no architectures.");
  }
  return config;
}

/** Those that Transformers.js has. https://huggingface.co/docs/tokenizers/api/models */
const TOKENIZERS = new Set(["BPE", "WordPiece", "Unigram"]);

async function checkTokenizer(files: Files): Promise<void> {
  const { model } = await readJson(files, "tokenizer.json");
  const { type, vocab } = (model ?? {}) as Json;
  if (typeof vocab !== "object" || vocab === null) throw new Error("tokenizer.json has no vocabulary.");
  // Older files do not name it.
  if (type !== undefined && !TOKENIZERS.has(String(type))) {
    throw new Error(`tokenizer.json is of the kind ${short(String(type))}. ${[...TOKENIZERS].join(", ")} are known.`);
  }
}

interface Weights {
  readonly dtypes: DtypeTable;
  /** Where they were picked. */
  readonly onnx: readonly PickedFile[];
  /** Where they are stored. */
  readonly files: PickedFile[];
}

async function findWeights(files: Files): Promise<Weights> {
  const found = [...files].filter(([path]) => /^(onnx\/)?[^/]+\.onnx$/.test(path));
  if (found.length === 0) throw new Error("There is no ONNX file. Pick a model that was converted to ONNX.");
  const at = (stem: string, dtype: Dtype) => found.find(([path]) => baseOf(path) === `${stem}${SUFFIX[dtype]}.onnx`);
  const dtypesOf = (stem: string) => (Object.keys(SUFFIX) as Dtype[]).filter((dtype) => at(stem, dtype));
  const stem = STEMS.find((name) => dtypesOf(name).length > 0);
  if (!stem) {
    const [only, another] = found;
    if (!only || another) {
      throw new Error("Which ONNX file is the model? None is called model.onnx or decoder_model_merged.onnx.");
    }
    const [path, file] = only;
    return {
      dtypes: { webgpu: ["fp32"], wasm: ["fp32"] },
      onnx: [{ path, file }],
      files: [{ path: "onnx/model.onnx", file }],
    };
  }
  const here = dtypesOf(stem);
  const best = (order: readonly Dtype[]) => order.find((dtype) => here.includes(dtype)) ?? here[0]!;
  const gpu = best(DTYPES.webgpu);
  const cpu = best(DTYPES.wasm);
  const chosen = [...new Set([gpu, cpu])].map((dtype) => at(stem, dtype)!);
  return {
    dtypes: { webgpu: [gpu], wasm: cpu === "fp32" || gpu !== "fp32" ? [cpu] : [cpu, "fp32"] },
    onnx: chosen.map(([path, file]) => ({ path, file })),
    files: chosen.map(([path, file]) => ({ path: `onnx/${baseOf(path)}`, file })),
  };
}

/** Returns the files of weights that it needs beside it. */
async function checkWeights(path: string, file: Blob, files: Files): Promise<PickedFile[]> {
  const { inputs, externalFiles } = await readOnnx(file).catch((cause: unknown) => {
    throw cause instanceof OnnxError ? new Error(`${path} ${cause.message}`) : cause;
  });
  if (!inputs.includes("input_ids") || !inputs.some((name) => name.startsWith("past_key_values."))) {
    throw new Error(`${path} is not a text decoder with a KV cache. Convert the model with its past, as Optimum does.`);
  }
  return externalFiles.map((name) => {
    const beside = files.get(path.slice(0, -baseOf(path).length) + name);
    if (!beside) throw new Error(`${path} needs ${short(name)} beside it, which is missing.`);
    if (name.includes("/")) throw new Error(`${path} needs ${short(name)}, which must lie beside it.`);
    return { path: `onnx/${name}`, file: beside };
  });
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function contextOf(config: Json): number | null {
  const counts = ["n_positions", "max_position_embeddings", "n_ctx"].map((key) => config[key]);
  return counts.find((count): count is number => Number.isSafeInteger(count) && Number(count) > 0) ?? null;
}

/** Of the folder; of files without one, what the configuration calls itself. */
function nameOf(root: string, config: Json): string {
  const given = root.split("/").at(-2) ?? baseOf(String(config["_name_or_path"] ?? ""));
  const safe = given
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 60);
  return safe || "my-model";
}

function freeName(name: string, taken: readonly string[]): string {
  const isTaken = (wanted: string) => taken.some((other) => other.toLowerCase() === wanted.toLowerCase());
  let free = name;
  for (let number = 2; isTaken(free); number++) free = `${name}-${number}`;
  return free;
}

/** Texts of files are shown, however long they are. */
const short = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
