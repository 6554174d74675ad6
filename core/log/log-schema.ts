import * as v from "valibot";

/** One exchange, one line of JSONL: what every line of the log and of its exports is. Hence snake case. */

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const ms = v.pipe(v.number(), v.minValue(0));
/** As `toISOString()` writes it. */
const moment = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/), v.description("ISO 8601, UTC"));
const list = <S extends v.GenericSchema>(item: S) => v.pipe(v.array(item), v.readonly());
const about = <S extends v.GenericSchema>(schema: S, words: string) => v.pipe(schema, v.description(words));

const Usage = v.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count });

const Options = v.object({
  max_new_tokens: count,
  temperature: v.number(),
  top_k: count,
  top_p: v.number(),
  min_p: v.number(),
  typical_p: v.number(),
  repetition_penalty: v.number(),
  repeat_last_n: v.pipe(v.number(), v.integer()),
  frequency_penalty: v.number(),
  presence_penalty: v.number(),
  logit_bias: about(v.record(text, v.number()), "By token id"),
  format: v.nullable(
    v.union([
      v.object({ type: v.literal("json") }),
      v.object({ type: v.literal("schema"), schema: v.record(text, v.unknown()) }),
    ]),
  ),
  stop: list(text),
  seed: about(count, "The one that was used, whoever chose it"),
});

const Message = v.object({ role: v.picklist(["system", "user", "assistant"]), content: text });

/** UTF-16 code units, as JavaScript's strings have them; milliseconds since the request arrived. */
const TimedToken = v.strictTuple([count, ms]);

export const LOG_SCHEMA_VERSION = 5;

export const LogRecord = v.object({
  schema: v.literal(LOG_SCHEMA_VERSION),
  id: about(text, "Of the exchange, as its answer had it"),
  prev_hash: about(
    v.nullable(v.pipe(text, v.regex(/^[\da-f]{64}$/))),
    "SHA-256 of the line of the record that ended before this one, zeros for the first; null while it is going on",
  ),
  salt: about(text, "Random: without it nobody finds out the texts of a hash by trying"),
  level: about(v.picklist(["metadata", "full"]), "metadata: texts were left out, as the site or the request wished"),
  redacted: about(count, "Places of its texts in which something was replaced before they were stored"),
  request_id: about(text, "The caller's x-request-id, else the id"),
  trace_id: about(v.nullable(v.pipe(text, v.regex(/^[\da-f]{32}$/))), "Of the caller's W3C traceparent"),
  timestamp: about(moment, "When the request came in"),
  timestamp_ns: about(
    v.pipe(text, v.regex(/^\d{1,20}$/)),
    "The same in nanoseconds since 1970, larger in each record than in the one before it",
  ),
  started_at: about(v.nullable(moment), "When its turn came"),
  finished_at: v.nullable(moment),
  endpoint: about(text, "Method and path"),
  dialect: v.nullable(text),
  mode: v.nullable(v.picklist(["full", "stream"])),
  host: about(v.picklist(["browser", "node"]), "Where the request was answered"),
  client: about(v.nullable(text), "Who asked, as far as the host can tell: a tab"),
  prompt: about(v.nullable(v.union([text, list(count)])), "A text, or token ids; null also where there are messages"),
  messages: v.nullable(list(Message)),
  instruction: about(
    v.boolean(),
    "messages are no conversation, but what a model without a template reads as it stands",
  ),
  response: text,
  tokens: about(
    v.nullable(list(TimedToken)),
    "Of each token the length of its text, which add up to the response's, and when it came; one more for a text that " +
      "was held back until the end. null: not known, or not to be stored",
  ),
  model: v.nullable(text),
  engine: about(v.nullable(text), "What computed the answer"),
  device: v.nullable(v.picklist(["webgpu", "wasm", "cpu"])),
  options: v.nullable(Options),
  usage: v.nullable(Usage),
  finish_reason: about(
    v.nullable(v.picklist(["stop", "length", "cancelled", "error", "interrupted"])),
    "null while the exchange is going on; interrupted: its host died before the end. Either may go on again",
  ),
  error: v.nullable(v.object({ code: text, detail: text, status: count })),
  queue_ms: v.nullable(ms),
  prompt_ms: v.nullable(ms),
  ttft_ms: about(v.nullable(ms), "From the request's arrival to its first token"),
  predicted_ms: about(v.nullable(ms), "Of its last part, if the stream was continued"),
  tokens_per_s: v.nullable(v.pipe(v.number(), v.minValue(0))),
  duration_ms: v.nullable(ms),
});

/** `null` is "not known", or "never got that far". */
export type LogRecord = Readonly<v.InferOutput<typeof LogRecord>>;
export type LogOptions = Readonly<v.InferOutput<typeof Options>>;
export type Usage = Readonly<v.InferOutput<typeof Usage>>;

/** In the order in which a record has them. */
export const LOG_FIELDS = Object.keys(LogRecord.entries) as readonly (keyof LogRecord)[];

/** What is wrong with it, and where; `null` if nothing is. */
export function whyNoRecord(value: unknown): string | null {
  const { success, issues } = v.safeParse(LogRecord, value, { abortEarly: true });
  return success ? null : `${v.getDotPath(issues[0]) ?? "the line"}: ${issues[0].message}`;
}

export const isLogRecord = (value: unknown): value is LogRecord => v.is(LogRecord, value);
