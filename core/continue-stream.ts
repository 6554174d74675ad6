import { asVaultError } from "./errors.ts";
import type { Engine, ErrorCode, GenerateRequest, TokenEvent } from "./protocol.ts";
import type { StartEvent } from "./usage.ts";

export interface ContinueOptions {
  /** The engine of the moment, whichever tab hosts it. */
  readonly engine: () => Promise<Engine>;
  /** Settles as the read does; rejects with `engine-stuck` if the engine lets it wait for too long. */
  readonly watch: <T>(engine: Engine, read: Promise<T>, started: boolean) => Promise<T>;
  readonly now?: () => number;
}

/** Ends of an engine, not of an answer. */
const LOST: ReadonlySet<ErrorCode> = new Set(["engine-absent", "engine-stuck"]);

/** Engines that may be lost one after the other without a single token, or without the answer to a question. */
export const MAX_FRUITLESS = 5;

/**
 * One answer from however many engines it takes: where one is lost in the middle, the next one computes the tokens so
 * far again, and goes on with exactly those that would have come. Seed and model stay those that the first one had.
 */
export function continueStream(
  request: GenerateRequest,
  { engine, watch, now = performance.now.bind(performance) }: ContinueOptions,
): ReadableStream<TokenEvent> {
  const tokenIds = [...request.continued];
  let start: StartEvent | undefined;
  let current: { readonly engine: Engine; readonly reader: ReadableStreamDefaultReader<TokenEvent> } | undefined;
  let fruitless = 0;
  let cancelled = false;
  let isDone = false;
  /** Decoding by engines that were lost; the present one counts its own. */
  let lostMs = 0;
  let handoverMs = 0;
  let isHandover = false;
  let firstMs: number | null = null;
  let lastMs = 0;

  const open = async () => {
    const next = await engine();
    const known = start ? { model: start.model, seed: start.options.seed, continued: tokenIds } : {};
    const reader = next.generate({ ...request, ...known }).getReader();
    if (cancelled) await reader.cancel(); // a cancel that came while the engine was found had nothing to cancel
    return { engine: next, reader };
  };

  const lose = () => {
    void current?.reader.cancel().catch(() => {}); // there may be nobody to hear of it
    current = undefined;
    isHandover = start !== undefined;
    if (firstMs !== null) lostMs += lastMs - firstMs;
    firstMs = null;
  };

  /** What the client is told of an event, if anything. */
  const observe = (event: TokenEvent): TokenEvent | null => {
    if (event.type === "start") {
      if (start) return null; // of an engine that took over
      start = event;
    }
    if (event.type === "token") {
      if (event.index < tokenIds.length) return null; // computed again
      fruitless = 0;
      tokenIds.push(event.tokenId);
      const nowMs = now();
      if (isHandover && lastMs > 0) handoverMs += nowMs - lastMs;
      isHandover = false;
      lastMs = nowMs;
      firstMs ??= lastMs;
    }
    isDone = event.type === "done";
    if (event.type !== "done" || lostMs + handoverMs === 0) return event;
    return { ...event, decodeMs: event.decodeMs + lostMs, handoverMs };
  };

  const next = async (): Promise<TokenEvent | null> => {
    for (;;) {
      if (isDone) return null; // whatever becomes of its engine
      current ??= await open();
      try {
        const { done, value } = await watch(current.engine, current.reader.read(), start !== undefined);
        if (done) return null;
        const told = observe(value);
        if (told) return told;
      } catch (cause) {
        if (cancelled || !LOST.has(asVaultError(cause).code) || ++fruitless > MAX_FRUITLESS) throw cause;
        lose();
      }
    }
  };

  return new ReadableStream<TokenEvent>(
    {
      async pull(controller) {
        const event = await next();
        if (event) controller.enqueue(event);
        else controller.close();
      },
      async cancel(reason) {
        cancelled = true;
        await current?.reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
