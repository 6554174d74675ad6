import { VaultError } from "./errors.ts";
import { nanoseconds } from "./log/clock.ts";
import { newSalt } from "./log/hash.ts";
import type { KeptStream, LogRecord, LogSink, OpenEntry, Replay } from "./log/log-record.ts";
import { LOG_ALL, type LogRules, storable } from "./log/log-rules.ts";
import { LOG_SCHEMA_VERSION } from "./log/log-schema.ts";
import { createEventRedactor } from "./log/redact-record.ts";
import type { TokenEvent } from "./protocol.ts";
import { within } from "./within.ts";

/** How it was asked: all that a stream needs to be asked for again, but for its seed. */
type Asked = Omit<Replay, "seed">;

/** What a client has of a stream already: all up to an event's id, or so many bytes. */
export type Skip =
  | { readonly type: "events"; readonly lastId: number }
  | { readonly type: "bytes"; readonly bytes: number };

/** A stream that goes on where its client lost it. */
export interface Continuation {
  readonly kept: KeptStream;
  readonly isWhole: boolean;
  readonly skip: Skip;
}

/** One request and its answer, as the log will tell it. */
export interface Exchange {
  readonly id: string;
  /** The caller's `x-request-id`, else `id`. */
  readonly requestId: string;
  /** Method and path. */
  readonly endpoint: string;
  readonly arrivedMs: number;
  /** From the request's arrival to its first token, in an earlier life of this exchange. */
  readonly ttftMs: number | null;
  /** Whose route took it; `null` until one has. */
  dialect: string | null;
  /** `null` until its body has been read. */
  asked: Asked | null;
  /** Set where it is not the first request for this answer. */
  readonly continuation: Continuation | null;
  /** Time spent waiting for a turn; `null` until the turn comes. */
  queueMs: number | null;
  /** `null` until the prompt is in the KV cache. */
  prefillMs: number | null;
  /** Of the answer, so far. */
  tokens: number;
  /** What may be stored of it. */
  rules: LogRules;
  /** Why nothing is generated for it: the site's configuration is wrong. */
  refusal: VaultError | null;
  /** Writes the open record: from now on the log knows of this exchange, even if the host dies. */
  begin(known: Partial<LogRecord>, replay?: Replay | null): void;
  /** Settles once the open record is stored, or cannot be. Never rejects. */
  begun(): Promise<void>;
  /** Keeps events of the answer, so that it can be continued. Never waits. */
  keep(events: readonly TokenEvent[]): void;
  /** Writes the end. The first one wins: a cancelled read fails as well. Never rejects. */
  end(end: Partial<LogRecord>, events?: readonly TokenEvent[]): Promise<void>;
  fail(error: VaultError, known?: Partial<LogRecord>, events?: readonly TokenEvent[]): Promise<void>;
}

export interface Journal {
  /** Records that could not be stored. Logging never blocks or fails an answer. */
  readonly failures: number;
  newExchange(request: Request, client: string): Exchange;
  /** A stream's exchange goes on; if it is whole it is only told again. Rejects with `stream-busy`: see `LogSink`. */
  reopen(continuation: Continuation): Promise<Exchange>;
}

export interface JournalOptions {
  readonly log: LogSink;
  readonly now: () => number;
  readonly newId: () => string;
  readonly host: LogRecord["host"];
  /** Called with the number of answers that are under way, whenever that changes. */
  readonly onBusy: (answers: number) => void;
}

/** An upgrade that another tab blocks can make storage wait without end; an answer does not. */
const STORE_MS = 5_000;

/** A caller's id is echoed in a header and stored in every record: printable ASCII of sensible length only. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** An address may have megabytes, and an error repeats what it does not know. Characters. */
const MAX_ENDPOINT = 300;
const MAX_DETAIL = 2_000;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/;

export function createJournal({ log, now, newId, host, onBusy }: JournalOptions): Journal {
  let failures = 0;
  let answers = 0;

  const createExchange = (
    first: LogRecord,
    entry?: Promise<OpenEntry>,
    continuation: Continuation | null = null,
  ): Exchange => {
    let record = first;
    let opened = entry;
    let ended: Promise<void> | undefined;
    let isBegun = entry !== undefined;
    const arrivedMs = Date.parse(record.timestamp);
    let redactEvents: ((events: readonly TokenEvent[]) => readonly TokenEvent[]) | undefined;
    const store = async (events: readonly TokenEvent[]): Promise<void> => {
      const end = storable(record, exchange.rules);
      if (opened) await (await opened).close(end, events);
      else await log.count(end);
    };
    const exchange: Exchange = {
      id: record.id,
      requestId: record.request_id,
      endpoint: record.endpoint,
      arrivedMs,
      ttftMs: record.ttft_ms,
      dialect: record.dialect,
      asked: null,
      continuation,
      queueMs: record.queue_ms,
      prefillMs: record.prompt_ms,
      tokens: 0,
      rules: LOG_ALL,
      refusal: null,
      begin(known, replay = null) {
        record = { ...record, dialect: exchange.dialect, ...known };
        isBegun = true;
        onBusy(++answers);
        const { level, redactor } = exchange.rules;
        if (level === "none") return;
        // What a stream needs to go on tells all of it.
        opened = log.begin(storable(record, exchange.rules), level === "full" && !redactor ? replay : null);
        opened.catch(() => {}); // counted in `end`
      },
      begun: () =>
        within<unknown>(opened ?? Promise.resolve(), STORE_MS, async () => BLOCKED).then(
          () => {},
          () => {},
        ),
      keep(events) {
        const { level, redactor } = exchange.rules;
        if (ended || level !== "full") return;
        if (redactor) redactEvents ??= createEventRedactor(redactor);
        const kept = redactEvents?.(events) ?? events;
        opened?.then((entry) => entry.keep(kept)).catch(() => {}); // what is not kept is computed again
      },
      end(end, events = []) {
        ended ??= (async () => {
          if (!isBegun) exchange.begin({});
          const { queueMs: queue_ms, prefillMs: prompt_ms } = exchange;
          const finishedMs = now();
          const times = {
            started_at: queue_ms === null ? null : isoTime(arrivedMs + queue_ms),
            finished_at: isoTime(finishedMs),
            queue_ms,
            prompt_ms,
            duration_ms: finishedMs - arrivedMs,
          };
          record = { ...record, ...end, ...times };
          try {
            await within(store(events), STORE_MS, async () => BLOCKED);
          } catch {
            failures++;
          }
          onBusy(--answers);
        })();
        return ended;
      },
      fail({ code, status, message }, known = {}, events = []) {
        const error = { code, detail: message.slice(0, MAX_DETAIL), status };
        return exchange.end({ ...known, finish_reason: "error", error }, events);
      },
    };
    return exchange;
  };

  return {
    get failures() {
      return failures;
    },
    newExchange(request, client) {
      const id = newId();
      const given = request.headers.get("x-request-id");
      const requestId = given && REQUEST_ID.test(given) ? given : id;
      return createExchange(openRecord(request, { id, request_id: requestId, host, client: client || null }, now()));
    },
    async reopen(continuation) {
      const { kept, isWhole } = continuation;
      if (isWhole) return createExchange(kept.record, undefined, continuation);
      const entry = await log.reopen(kept);
      onBusy(++answers);
      const record: LogRecord = { ...kept.record, finish_reason: null, error: null };
      return createExchange(record, Promise.resolve(entry), continuation);
    },
  };
}

const BLOCKED = new VaultError("log-failed", "The log is being upgraded. Close other tabs of this site.");

type Known = Pick<LogRecord, "id" | "request_id" | "host" | "client">;

function openRecord(request: Request, known: Known, arrivedMs: number): LogRecord {
  const [, traceId = null] = TRACEPARENT.exec(request.headers.get("traceparent") ?? "") ?? [];
  return {
    schema: LOG_SCHEMA_VERSION,
    prev_hash: null,
    salt: newSalt(),
    level: "full",
    redacted: 0,
    ...known,
    trace_id: traceId,
    timestamp: isoTime(arrivedMs),
    timestamp_ns: `${nanoseconds(arrivedMs)}`,
    started_at: null,
    finished_at: null,
    endpoint: `${request.method} ${new URL(request.url).pathname}`.slice(0, MAX_ENDPOINT),
    dialect: null,
    mode: null,
    prompt: null,
    messages: null,
    instruction: false,
    response: "",
    tokens: null,
    model: null,
    engine: null,
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

const isoTime = (ms: number): string => new Date(ms).toISOString();
