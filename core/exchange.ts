import type { VaultError } from "./errors.ts";
import type { LogRecord, LogSink } from "./log-record.ts";

/** One request and its answer, as the log will tell it. */
export interface Exchange {
  readonly id: string;
  /** The caller's `x-request-id`, else `id`. */
  readonly requestId: string;
  /** Method and path. */
  readonly endpoint: string;
  readonly arrivedMs: number;
  /** Whose route took it; `null` until one has. */
  dialect: string | null;
  /** Time spent waiting for a turn; `null` until the turn comes. */
  queueMs: number | null;
  /** `null` until the prompt is in the KV cache. */
  prefillMs: number | null;
  /** Of the answer, so far. */
  tokens: number;
  /** Writes the open record: from now on the log knows of this exchange, even if the host dies. */
  begin(known: Partial<LogRecord>): void;
  /** Writes the end. The first one wins: a cancelled read fails as well. Never rejects. */
  end(end: Partial<LogRecord>): Promise<void>;
  fail(error: VaultError, known?: Partial<LogRecord>): Promise<void>;
}

export interface Journal {
  /** Records that could not be stored. Logging never blocks or fails an answer. */
  readonly failures: number;
  newExchange(request: Request): Exchange;
}

export interface JournalOptions {
  readonly log: LogSink;
  readonly now: () => number;
  readonly newId: () => string;
}

/** A caller's id is echoed in a header and stored in every record: printable ASCII of sensible length only. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

export function createJournal({ log, now, newId }: JournalOptions): Journal {
  let failures = 0;

  return {
    get failures() {
      return failures;
    },
    newExchange(request) {
      const id = newId();
      const given = request.headers.get("x-request-id");
      const requestId = given && REQUEST_ID.test(given) ? given : id;
      const arrivedMs = now();
      let record = openRecord(id, requestId, arrivedMs, request);
      let opened: ReturnType<LogSink["begin"]> | undefined;
      let ended: Promise<void> | undefined;

      const exchange: Exchange = {
        id,
        requestId,
        endpoint: record.endpoint,
        arrivedMs,
        dialect: null,
        queueMs: null,
        prefillMs: null,
        tokens: 0,
        begin(known) {
          record = { ...record, dialect: exchange.dialect, ...known };
          opened = log.begin(record);
          opened.catch(() => {}); // counted in `end`
        },
        end(end) {
          ended ??= (async () => {
            if (!opened) exchange.begin({});
            const { queueMs: queue_ms, prefillMs: prompt_ms } = exchange;
            record = { ...record, ...end, queue_ms, prompt_ms, duration_ms: now() - arrivedMs };
            try {
              await (await opened)?.(record);
            } catch {
              failures++;
            }
          })();
          return ended;
        },
        fail: (error, known = {}) =>
          exchange.end({ ...known, finish_reason: "error", error: { ...error.toWire(), status: error.status } }),
      };
      return exchange;
    },
  };
}

function openRecord(id: string, requestId: string, arrivedMs: number, request: Request): LogRecord {
  const traceparent = request.headers.get("traceparent") ?? "";
  return {
    schema: 2,
    id,
    request_id: requestId,
    traceparent: TRACEPARENT.test(traceparent) ? traceparent : null,
    timestamp: new Date(arrivedMs).toISOString(),
    endpoint: `${request.method} ${new URL(request.url).pathname}`,
    dialect: null,
    mode: null,
    prompt: null,
    messages: null,
    response: "",
    model: null,
    device: null,
    options: null,
    usage: null,
    finish_reason: null,
    error: null,
    queue_ms: null,
    prompt_ms: null,
    ttft_ms: null,
    predicted_ms: null,
    tokens_per_s: null,
    duration_ms: null,
  };
}
