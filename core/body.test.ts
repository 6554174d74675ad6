import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBody } from "./body.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PING = new TextEncoder().encode(": ping\n\n");

/** A source that is fed by hand, and says what it was cancelled with. */
function fed() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const seen: { cancelled: unknown } = { cancelled: undefined };
  const chunks = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    cancel: (reason) => {
      seen.cancelled = reason;
    },
  });
  return { chunks, seen, say: (text: string) => controller.enqueue(new TextEncoder().encode(text)) };
}

const options = { ping: PING, pingMs: 10_000, readerMs: 60_000 };
const text = async (read: Promise<ReadableStreamReadResult<Uint8Array>>) =>
  new TextDecoder().decode((await read).value);

test("a silent source is bridged by comments, one that speaks is not", async () => {
  const { chunks, say } = fed();
  const reader = createBody(chunks, options).getReader();
  const first = reader.read();
  await vi.advanceTimersByTimeAsync(12_500);
  expect(await text(first)).toBe(": ping\n\n");
  const second = reader.read();
  await vi.advanceTimersByTimeAsync(5_000);
  say("a");
  expect(await text(second)).toBe("a");
  const third = reader.read();
  await vi.advanceTimersByTimeAsync(7_500);
  say("b");
  expect(await text(third)).toBe("b");
});

test("without a comment to send, silence stays silence", async () => {
  const { chunks, say } = fed();
  const reader = createBody(chunks, { ...options, ping: null }).getReader();
  const first = reader.read();
  await vi.advanceTimersByTimeAsync(200_000);
  say("a");
  expect(await text(first)).toBe("a");
});

test("a reader that stops reading ends the source, and is told why", async () => {
  const { chunks, seen, say } = fed();
  const reader = createBody(chunks, options).getReader();
  say("a");
  expect(await text(reader.read())).toBe("a");
  await vi.advanceTimersByTimeAsync(50_000);
  expect(seen.cancelled).toBeUndefined();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(seen.cancelled).toMatchObject({ code: "reader-stalled" });
  await expect(reader.read()).rejects.toMatchObject({ code: "reader-stalled" });
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is left behind by a body that is read to its end, or left", async () => {
  const empty = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  expect((await createBody(empty, options).getReader().read()).done).toBe(true);
  const { chunks, seen } = fed();
  await createBody(chunks, options).cancel("enough");
  expect(seen.cancelled).toBe("enough");
  expect(vi.getTimerCount()).toBe(0);
});
