import { VaultError } from "./errors.ts";

export interface BodyOptions {
  /** Sent after as much silence: a comment, where the media type has one. */
  readonly ping: Uint8Array | null;
  readonly pingMs: number;
  /** For how long a client may leave the body unread. */
  readonly readerMs: number;
}

const STALLED = new VaultError(
  "reader-stalled",
  "The answer was not read on, so it was ended. Continue it at GET /generate/stream/{request-id}.",
);

/** A body as its client sees it: it says so while there is nothing to say, and ends if nobody reads it. */
export function createBody(
  chunks: ReadableStream<Uint8Array>,
  { ping, pingMs, readerMs }: BodyOptions,
): ReadableStream<Uint8Array> {
  const reader = chunks.getReader();
  let reading = false;
  let stalled = false;
  /** Since when nothing came, or nobody read. */
  let sinceMs = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;

  const turn = (isReading: boolean) => {
    reading = isReading;
    sinceMs = performance.now();
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setInterval(() => {
          const ms = performance.now() - sinceMs;
          if (reading && ping && ms >= pingMs && controller.desiredSize === 0) {
            sinceMs = performance.now();
            controller.enqueue(ping.slice()); // a chunk is detached by whoever sends it
          } else if (!reading && ms >= readerMs) {
            clearInterval(timer);
            stalled = true;
            void reader.cancel(STALLED).catch(() => {});
            controller.error(STALLED);
          }
        }, Math.min(pingMs, readerMs) / 4);
      },
      async pull(controller) {
        turn(true);
        try {
          const { done, value } = await reader.read();
          if (stalled) return;
          if (!done) return controller.enqueue(value);
          clearInterval(timer);
          controller.close();
        } catch (cause) {
          clearInterval(timer);
          throw cause;
        } finally {
          turn(false);
        }
      },
      cancel(reason) {
        clearInterval(timer);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
