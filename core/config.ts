import * as v from "valibot";
import { VaultError } from "./errors.ts";
import { PRIVATE_KINDS } from "./log/find-private.ts";
import { LOG_LEVELS } from "./log/log-level.ts";
import { DEFAULT_MAX_WAITING } from "./queue.ts";
import { DEFAULT_RATE_LIMIT } from "./rate-limit.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const text = v.pipe(v.string(), v.nonEmpty());

/** A name, perhaps with a tag (`qwen3:0.6b`), or a hub id (`owner/name`). */
const modelName = v.pipe(v.string(), v.regex(/^\w[\w.-]*([:/]\w[\w.-]*)?$/, "not the name of a model, nor a hub id"));
const repository = v.pipe(v.string(), v.regex(/^\w[\w.-]*(\/\w[\w.-]*)?$/, "not a hub id, nor a folder of models/"));
const revision = v.pipe(v.string(), v.regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, "not a branch, tag or commit"));

const pattern = v.pipe(
  v.string(),
  v.check((source) => {
    try {
      return !new RegExp(source, "gu").test("");
    } catch {
      return false;
    }
  }, "not a regular expression, or one that matches an empty text"),
);

/** Of either device: what is slow or often wrong on one is said when it is loaded (`engine/attempts.ts`), not forbidden. */
const dtype = v.picklist(["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"]);
/** What each device computes well. */
export const WELL: Readonly<Record<"webgpu" | "wasm", readonly string[]>> = {
  webgpu: ["fp32", "fp16", "q4", "q4f16"],
  wasm: ["fp32", "q8", "int8", "uint8"],
};

const ModelConfig = v.object({
  name: modelName,
  /** Hub id, or a folder of `models/` on this site; left out: the name. */
  repo: v.optional(repository),
  revision: v.optional(revision),
  /** Best first. */
  dtypes: v.optional(v.object({ webgpu: v.optional(v.array(dtype)), wasm: v.optional(v.array(dtype)) })),
  parameters: v.optional(text),
  licence: v.optional(text),
  context_tokens: v.optional(count),
  /** Texts that end a turn of a chat. */
  chat_stop: v.optional(v.array(text)),
});

const Dtype = v.union(
  [dtype, v.object({ webgpu: v.nullish(dtype, null), wasm: v.nullish(dtype, null) })],
  `neither ${dtype.options.join(", ")}, nor an object with one of them for webgpu and one for wasm`,
);

const origin = v.pipe(v.string(), v.url(), v.regex(/^https?:/, "neither https: nor http:"));
/** `*.` stands for any number of names before the rest. */
const oneHost = v.pipe(
  origin,
  v.check((url) => !url.includes("*"), "the hub itself cannot have a *"),
);
const Hub = v.union(
  [oneHost, v.tupleWithRest([oneHost], origin)],
  "neither an address that begins with https: or http:, nor a list of such, the hub first",
);

/** `/minivault.config.json`: what the site's owner decides. */
const Config = v.object({
  /**
   * Address of the model hub, and of those that it may redirect downloads to. The only third parties that are ever
   * contacted.
   */
  hub: v.optional(Hub, "https://huggingface.co"),
  /** A model of the catalogue, or a hub id (`owner/name`). */
  model: v.optional(modelName, "distilgpt2"),
  device: v.optional(v.picklist(["auto", "webgpu", "wasm"]), "auto"),
  /** Weights that are tried before those of the model's own table; `null` leaves it at that table. */
  dtype: v.optional(Dtype, { webgpu: null, wasm: null }),
  /** Beside those of the catalogue, and before them. */
  models: v.optional(
    v.pipe(
      v.array(ModelConfig),
      v.check((models) => new Set(models.map(({ name }) => name)).size === models.length, "two have the same name"),
    ),
    [],
  ),
  /** How many are in memory at once. */
  resident_models: v.optional(count, 1),
  /** A model that nobody used for so long leaves the memory; `null`: it stays. A request may say otherwise. */
  idle_unload_s: v.optional(v.nullable(v.pipe(v.number(), v.minValue(0))), 1800),
  limits: v.optional(
    v.object({
      /** Of one model; `null`: what the browser has room for. */
      max_download_bytes: v.optional(v.nullable(count), null),
      /** Whether a request may name any model of the hub, or only those that have a name here. */
      hub_ids: v.optional(v.boolean(), true),
    }),
    {},
  ),
  /** What is stored of each exchange. */
  log: v.optional(
    v.object({
      /** The most; a request may ask for less. */
      level: v.optional(v.picklist(LOG_LEVELS), "full"),
      /** What of a text is replaced by a word such as `[email]` before anything is stored. */
      redact: v.optional(v.array(v.picklist(PRIVATE_KINDS)), []),
      /** Regular expressions of the site's own, whose matches become `[redacted]`. */
      redact_patterns: v.optional(v.array(pattern), []),
      /** What goes beyond one of them is deleted, the oldest first; `null`: no limit. */
      keep_days: v.optional(v.nullable(v.pipe(v.number(), v.gtValue(0))), null),
      keep_records: v.optional(v.nullable(count), null),
      keep_bytes: v.optional(v.nullable(count), null),
    }),
    {},
  ),
  /** Requests that wait for their turn, beside the one that is answered; more are refused. */
  max_waiting: v.optional(count, DEFAULT_MAX_WAITING),
  /** Of each page that asks: requests at once, and a minute. */
  rate_limit: v.optional(v.object({ burst: count, per_minute: count }), {
    burst: DEFAULT_RATE_LIMIT.burst,
    per_minute: DEFAULT_RATE_LIMIT.perMinute,
  }),
});

/** One dtype for both, as `"dtype": "q4"`, is for the device that is asked for, else for those that compute well with it. */
interface DtypeOf {
  readonly webgpu: v.InferOutput<typeof dtype> | null;
  readonly wasm: v.InferOutput<typeof dtype> | null;
}

export type VaultConfig = Readonly<Omit<v.InferOutput<typeof Config>, "dtype">> & { readonly dtype: DtypeOf };

/** The hub, then the hosts that it may redirect to. */
export const hubsOf = ({ hub }: VaultConfig): readonly [hub: string, ...others: string[]] =>
  typeof hub === "string" ? [hub] : hub;

/** Says in a sentence what is wrong, and where; `null`: the whole. */
type Complaint = (key: string | null, problem: string) => string;

const ofTheFile: Complaint = (key, problem) =>
  `minivault.config.json is wrong at ${key ?? "its root"}: ${problem}. Mend it and reload the page.`;

/** Reads `minivault.config.json`, or the same keys from elsewhere. Throws `bad-config` with the key's name. */
export function parseConfig(json: unknown, complain: Complaint = ofTheFile): VaultConfig {
  const { success, output, issues } = v.safeParse(Config, json, { abortEarly: true });
  if (!success) {
    const key = v.getDotPath(issues[0]);
    throw new VaultError("bad-config", complain(key, issues[0].message.replace(/\.$/, "")));
  }
  const { hub, dtype, device } = output;
  const forOne = (own: "webgpu" | "wasm") =>
    typeof dtype !== "string" ? dtype[own] : device === own || WELL[own].includes(dtype) ? dtype : null;
  return {
    ...output,
    hub: typeof hub === "string" ? withoutSlash(hub) : [withoutSlash(hub[0]), ...hub.slice(1).map(withoutSlash)],
    dtype: { webgpu: forOne("webgpu"), wasm: forOne("wasm") },
  };
}

const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, "");

export const DEFAULT_CONFIG: VaultConfig = parseConfig({});
