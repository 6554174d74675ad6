import type { VaultError } from "./errors.ts";
import type { LogRecord, LogSink } from "./protocol.ts";

/** One request and its answer, as the log will tell it. */
export interface Exchange {
  readonly id: string;
  /** The caller's `x-request-id`, else `id`. */
  readonly requestId: string;
  readonly arrivedMs: number;
  /** Time spent waiting for a turn; `null` until the turn comes. */
  queueMs: number | null;
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
        arrivedMs,
        queueMs: null,
        begin(known) {
          record = { ...record, ...known };
          opened = log.begin(record);
          opened.catch(() => {}); // counted in `end`
        },
        end(end) {
          ended ??= (async () => {
            if (!opened) exchange.begin({});
            record = { ...record, ...end, queue_ms: exchange.queueMs, duration_ms: now() - arrivedMs };
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
  return {
    schema: 1,
    id,
    request_id: requestId,
    timestamp: new Date(arrivedMs).toISOString(),
    endpoint: `${request.method} ${new URL(request.url).pathname}`,
    mode: null,
    prompt: null,
    response: "",
    model: null,
    device: null,
    options: null,
    usage: null,
    finish_reason: null,
    error: null,
    queue_ms: null,
    ttft_ms: null,
    tokens_per_s: null,
    duration_ms: null,
  };
}
