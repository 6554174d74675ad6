import { LOG_SCHEMA_VERSION, type LogOptions, type LogRecord } from "./log-schema.ts";

/** A record as some version stored it. */
export type StoredRecord = Omit<LogRecord, "schema" | keyof Added | "options"> & {
  readonly schema: 1 | 2 | 3 | 4 | typeof LOG_SCHEMA_VERSION;
  readonly options: Partial<LogOptions> | null;
  readonly traceparent?: string | null;
} & Partial<Added>;

/** What schema 1 did not have, or not all of. */
type Added = Pick<
  LogRecord,
  | "prev_hash"
  | "tokens"
  | "salt"
  | "level"
  | "redacted"
  | "instruction"
  | "dialect"
  | "messages"
  | "prompt_ms"
  | "predicted_ms"
  | "trace_id"
  | "timestamp_ns"
  | "started_at"
  | "finished_at"
  | "host"
  | "client"
  | "engine"
>;

/** What an option that a version did not know yet had been all the while. */
const NEUTRAL = {
  min_p: 0,
  typical_p: 1,
  repeat_last_n: -1,
  frequency_penalty: 0,
  presence_penalty: 0,
  logit_bias: {},
  format: null,
};

/**
 * A record of any version as one of today. Never throws: an upgrade that fails would keep the whole log from everybody.
 */
export function upgradeRecord(stored: StoredRecord): LogRecord {
  if (stored.schema === LOG_SCHEMA_VERSION) return stored as LogRecord;
  const later = { schema: LOG_SCHEMA_VERSION, prev_hash: null, salt: "", tokens: null } as const;
  if (stored.schema === 4) return { ...(stored as LogRecord), ...later };
  const added = {
    ...later,
    redacted: 0,
    instruction: stored.endpoint?.endsWith("/api/generate") === true,
  };
  if (stored.schema === 3) return { ...(stored as LogRecord), ...added };
  const { traceparent = null, options, ...record } = stored;
  const arrivedMs = Date.parse(record.timestamp) || 0;
  const at = (ms: number | null): string | null =>
    Number.isFinite(ms) ? new Date(arrivedMs + (ms ?? 0)).toISOString() : null;
  return {
    dialect: null,
    messages: null,
    prompt_ms: null,
    predicted_ms: null,
    ...record,
    ...added,
    level: "full",
    trace_id: traceparent?.split("-")[1] ?? null,
    timestamp_ns: `${BigInt(arrivedMs) * 1_000_000n}`,
    started_at: at(record.queue_ms),
    finished_at: at(record.duration_ms),
    host: "browser",
    client: null,
    engine: record.model && "onnxruntime",
    options: options && ({ ...NEUTRAL, ...options } as LogOptions),
  };
}
