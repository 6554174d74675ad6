import type { KvCache, LanguageModel } from "./model.ts";
import type { Mutex } from "./mutex.ts";

/** The parts of an ONNX runtime tensor and session that a decoder needs; web and Node builds both have them. */
interface OrtTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
  readonly location?: string;
  dispose?(): void;
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly inputMetadata: readonly {
    readonly name: string;
    readonly isTensor: boolean;
    readonly type?: string;
    readonly shape?: readonly (number | string)[];
  }[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

export type MakeTensor = (type: string, data: unknown, dims: readonly number[]) => OrtTensor;

/** A model that nobody has checked yet. */
export type UncheckedModel = Omit<LanguageModel, "fallback" | "selfCheck">;

/** What a model is made of: all that the session does not do. */
export interface OnnxModelParts
  extends Omit<LanguageModel, "fallback" | "selfCheck" | "createCache" | "forward" | "dispose"> {
  readonly session: OrtSession;
  readonly makeTensor: MakeTensor;
  /** Whoever uses the runtime waits for their turn. */
  readonly alone: Mutex;
}

type Past = Record<string, OrtTensor>;

/**
 * A decoder-only ONNX graph as Optimum exports it: `input_ids`, `attention_mask`, `position_ids`, `past_key_values.*`
 * in, `logits` and `present.*` out; a merged one also has `use_cache_branch`.
 * https://huggingface.co/docs/optimum/exporters/onnx/overview
 */
export function createOnnxModel(parts: OnnxModelParts): UncheckedModel {
  const { session, makeTensor, alone } = parts;
  const wants = new Set(session.inputNames);
  if (!session.inputNames.some((name) => name.startsWith(PAST))) {
    throw new Error(`${parts.card.name} has no inputs for a KV cache: use its merged decoder`);
  }

  const int64 = (values: BigInt64Array) => makeTensor("int64", values, [1, values.length]);

  const feedsFor = (tokenIds: readonly number[], past: Past, pastTokens: number, rows: number) => {
    const feeds: Record<string, OrtTensor> = {
      ...past,
      input_ids: int64(BigInt64Array.from(tokenIds, BigInt)),
      attention_mask: int64(new BigInt64Array(pastTokens + tokenIds.length).fill(1n)),
    };
    if (wants.has("position_ids")) {
      feeds["position_ids"] = int64(BigInt64Array.from(tokenIds, (_, index) => BigInt(pastTokens + index)));
    }
    if (wants.has("use_cache_branch"))
      feeds["use_cache_branch"] = makeTensor("bool", Uint8Array.of(pastTokens ? 1 : 0), [1]);
    if (wants.has("num_logits_to_keep")) {
      feeds["num_logits_to_keep"] = makeTensor("int64", BigInt64Array.of(BigInt(rows)), []);
    }
    return feeds;
  };

  return {
    ...parts,
    createCache: () => new OnnxCache(emptyPast(session, makeTensor)),
    async forward(tokenIds, kvCache, rows = 1) {
      const cache = kvCache as OnnxCache;
      const outputs = await alone(() => session.run(feedsFor(tokenIds, cache.past, cache.length, rows)));
      const { logits, ...rest } = outputs;
      if (!logits) throw new Error(`${parts.card.name} returned no logits`);
      cache.replace(
        Object.fromEntries(Object.entries(rest).map(([name, tensor]) => [name.replace(PRESENT, PAST), tensor])),
        tokenIds.length,
      );
      return lastRows(logits, rows);
    },
    dispose: () => alone(() => session.release()),
  };
}

const PAST = "past_key_values.";
const PRESENT = "present.";

class OnnxCache implements KvCache {
  past: Past;
  length = 0;

  constructor(past: Past) {
    this.past = past;
  }

  replace(past: Past, addedTokens: number): void {
    this.dispose();
    this.past = past;
    this.length += addedTokens;
  }

  /** On a GPU the cache is GPU memory, which is not collected. */
  dispose(): void {
    for (const tensor of Object.values(this.past)) if (tensor.location === "gpu-buffer") tensor.dispose?.();
    this.past = {};
  }
}

/** A cache of zero tokens: symbolic sizes are the batch (1) and the length (0). */
function emptyPast(session: OrtSession, makeTensor: MakeTensor): Past {
  const past: Past = {};
  for (const { name, type = "float32", shape = [] } of session.inputMetadata) {
    if (!name.startsWith(PAST)) continue;
    const dims = shape.map((size) => (typeof size === "number" ? size : size.startsWith("batch") ? 1 : 0));
    past[name] = makeTensor(type, type === "float16" ? new Uint16Array(0) : new Float32Array(0), dims);
  }
  return past;
}

/** `[1, positions, vocabulary]` → the last positions' rows, in full precision. */
function lastRows({ data, dims }: OrtTensor, count: number): Float32Array {
  const size = (dims.at(-1) ?? 0) * count;
  if (data instanceof Uint16Array) throw new Error("half-precision logits need a browser with Float16Array");
  const values = data as Float32Array;
  // A copy where the type is another one (`Float16Array`), a view else: the caller may write to it either way.
  const rows = values.subarray(values.length - size);
  return rows instanceof Float32Array ? rows : Float32Array.from(rows);
}
