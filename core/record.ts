import { AnswerSoFar } from "./answer-so-far.ts";
import { createBatch } from "./batch.ts";
import { asVaultError, VaultError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { LogRecord } from "./log/log-record.ts";
import type { TokenEvent } from "./protocol.ts";
import { perSecond } from "./usage.ts";

export interface RecordedEvents {
  readonly recorded: ReadableStream<TokenEvent>;
  /** Ends the answer from here; settles when its record is closed. The reader gets the reason as the last event. */
  stop(why: VaultError): Promise<void>;
}

/** A crash takes no more than this with it: a continuation computes it again, an interrupted record lacks it. */
const BEHIND = { maxItems: 32, maxMs: 250 };

/**
 * Passes events through while the log record falls out of them; a failure becomes a last `error` event.
 * The record is stored *before* the stream ends: an open body keeps a service worker alive, whereas `waitUntil`
 * for a whole stream makes Chromium kill it after five minutes.
 *
 * @param known what came of it before, in another life of this exchange; told again, not measured again
 */
export function recordEvents(
  events: ReadableStream<TokenEvent>,
  exchange: Exchange,
  now: () => number,
  known: readonly TokenEvent[] = [],
): RecordedEvents {
  const reader = events.getReader();
  const answer = new AnswerSoFar();
  const told = [...known];
  for (const event of known) answer.add(event);
  const fresh = createBatch<TokenEvent>({ ...BEHIND, onFull: (events) => exchange.keep(events) });
  let freshTokens = 0;
  let firstMs: number | null = null;
  let lastMs = 0;

  const observe = (event: TokenEvent) => {
    const nowMs = now();
    answer.add(event, nowMs - exchange.arrivedMs);
    fresh.add(event);
    if (event.type === "start") exchange.prefillMs = event.prefillMs;
    if (event.type === "token") {
      freshTokens++;
      exchange.tokens = answer.tokens;
      lastMs = nowMs;
      firstMs ??= lastMs;
    }
  };

  /** The engine's own figure, or as seen from here if it did not come to the end. */
  const predictedMs = (): number | null => answer.done?.decodeMs ?? (firstMs === null ? null : lastMs - firstMs);

  const times = (): Partial<LogRecord> =>
    firstMs === null
      ? {}
      : {
          ttft_ms: known.length > 0 ? exchange.ttftMs : firstMs - exchange.arrivedMs,
          predicted_ms: predictedMs(),
          tokens_per_s: perSecond(freshTokens, predictedMs() ?? 0),
        };

  const soFar = (): Partial<LogRecord> => ({ ...answer.fields(), ...times() });

  const ended = new AbortController();
  const stop = (why: VaultError): Promise<void> => {
    const closed = exchange.fail(why, soFar(), fresh.rest());
    leave(why);
    return closed;
  };
  /** The source ends whenever it can: nobody waits for it. */
  const leave = (why?: unknown) => {
    ended.abort(why);
    reader.cancel(why).catch(() => {});
  };

  const next = async (): Promise<TokenEvent | null> => {
    if (answer.done) return null;
    for (;;) {
      const { done, value } = await reader.read();
      ended.signal.throwIfAborted();
      if (done) throw CUT_SHORT;
      if (value.type === "start") await exchange.begun(); // nothing is said that the log has not heard of
      ended.signal.throwIfAborted();
      if (value.type === "start" && answer.start) continue; // of an engine that goes on
      if (value.type === "token" && value.index < answer.tokens) continue; // computed again by it
      observe(value);
      if (value.type === "done") {
        await exchange.end({ ...soFar(), finish_reason: value.finishReason }, fresh.rest());
        leave(); // the turn is over, even if nobody reads on
      }
      return value;
    }
  };

  const recorded = new ReadableStream<TokenEvent>(
    {
      async pull(controller) {
        const before = told.shift();
        if (before) return controller.enqueue(before);
        try {
          const event = await next();
          if (event) controller.enqueue(event);
          else controller.close();
        } catch (cause) {
          const error = asVaultError(cause);
          await stop(error);
          controller.enqueue({ type: "error", error: error.toWire() });
          controller.close();
        }
      },
      async cancel(reason) {
        if (reason instanceof VaultError) return stop(reason); // ended for its client, not by it
        const closed = exchange.end({ ...soFar(), finish_reason: "cancelled" }, fresh.rest());
        leave(reason);
        await closed;
      },
    },
    { highWaterMark: 0 },
  );
  return { recorded, stop };
}

const CUT_SHORT = new VaultError("engine-failed", "The answer ended before it was whole. Send the request again.");
