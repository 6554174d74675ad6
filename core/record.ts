import { asVaultError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { LogOptions, LogRecord } from "./log-record.ts";
import type { GenerateOptions, TokenEvent } from "./protocol.ts";
import { type DoneEvent, perSecond, type StartEvent, usageOf } from "./usage.ts";

/**
 * Passes events through while the log record falls out of them; a failure becomes a last `error` event.
 * The record is stored *before* the stream ends: an open body keeps a service worker alive, whereas `waitUntil`
 * for a whole stream makes Chromium kill it after five minutes.
 */
export function recordEvents(
  events: ReadableStream<TokenEvent>,
  exchange: Exchange,
  now: () => number,
): ReadableStream<TokenEvent> {
  const reader = events.getReader();
  let start: StartEvent | undefined;
  let done: DoneEvent | undefined;
  let text = "";
  let firstMs: number | null = null;
  let lastMs = 0;

  const observe = (event: TokenEvent) => {
    if (event.type === "start") {
      start = event;
      exchange.prefillMs = event.prefillMs;
    }
    if (event.type === "done") done = event;
    if (event.type === "token" || event.type === "done") text += event.text;
    if (event.type === "token") {
      exchange.tokens++;
      lastMs = now();
      firstMs ??= lastMs;
    }
  };

  /** The engine's own figure, or as seen from here if it did not come to the end. */
  const predictedMs = (): number | null => done?.decodeMs ?? (firstMs === null ? null : lastMs - firstMs);

  const soFar = (): Partial<LogRecord> => ({
    response: text,
    model: start?.model ?? null,
    device: start?.device ?? null,
    options: start ? logOptions(start.options) : null,
    usage: start ? usageOf(start.promptTokens, done?.newTokens ?? exchange.tokens) : null,
    ttft_ms: firstMs === null ? null : firstMs - exchange.arrivedMs,
    predicted_ms: predictedMs(),
    tokens_per_s: firstMs === null ? null : perSecond(exchange.tokens, predictedMs() ?? 0),
  });

  return new ReadableStream<TokenEvent>(
    {
      async pull(controller) {
        try {
          const { done: ended, value } = await reader.read();
          if (ended) return controller.close();
          observe(value);
          if (done) await exchange.end({ ...soFar(), finish_reason: done.finishReason });
          controller.enqueue(value);
        } catch (cause) {
          const error = asVaultError(cause);
          await exchange.fail(error, soFar());
          controller.enqueue({ type: "error", error: error.toWire() });
          controller.close();
        }
      },
      async cancel(reason) {
        await Promise.all([exchange.end({ ...soFar(), finish_reason: "cancelled" }), reader.cancel(reason)]);
      },
    },
    { highWaterMark: 0 },
  );
}

function logOptions(options: GenerateOptions): LogOptions {
  return {
    max_new_tokens: options.maxNewTokens,
    temperature: options.temperature,
    top_k: options.topK,
    top_p: options.topP,
    min_p: options.minP,
    typical_p: options.typicalP,
    repetition_penalty: options.repetitionPenalty,
    repeat_last_n: options.repetitionWindow,
    frequency_penalty: options.frequencyPenalty,
    presence_penalty: options.presencePenalty,
    logit_bias: Object.fromEntries(options.logitBias),
    format: options.format,
    stop: options.stop,
    seed: options.seed,
  };
}
