import { expect, test } from "vitest";
import { deferStream } from "./defer-stream.ts";

const streamOf = (...values: number[]) =>
  new ReadableStream<number>({
    start(controller) {
      for (const value of values) controller.enqueue(value);
      controller.close();
    },
  });

test("`deferStream()` opens its source at the first read, and ends with it", async () => {
  let opened = 0;
  let ends = 0;
  const stream = deferStream(
    async () => {
      opened++;
      return streamOf(1, 2);
    },
    () => ends++,
  );
  expect(opened).toBe(0);
  const reader = stream.getReader();
  expect([await reader.read(), await reader.read()].map(({ value }) => value)).toEqual([1, 2]);
  expect((await reader.read()).done).toBe(true);
  expect([opened, ends]).toEqual([1, 1]);
});

test("`deferStream()` tells of its end when the source cannot be opened", async () => {
  let ends = 0;
  const stream = deferStream(
    () => Promise.reject(new Error("shut")),
    () => ends++,
  );
  await expect(stream.getReader().read()).rejects.toThrow("shut");
  expect(ends).toBeGreaterThan(0);
});

test("`deferStream()` tells of a cancel while it waits, and cancels a source that comes too late", async () => {
  let ended = false;
  let cancelled = false;
  let open!: (source: ReadableStream<number>) => void;
  let begun!: () => void;
  const opening = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const stream = deferStream(
    () => {
      begun();
      return new Promise<ReadableStream<number>>((resolve) => {
        open = resolve;
      });
    },
    () => {
      ended = true;
    },
  );
  const reader = stream.getReader();
  void reader.read();
  await opening;
  await reader.cancel();
  expect(ended).toBe(true);
  const late = new Promise<void>((resolve) => {
    open(
      new ReadableStream({
        cancel() {
          cancelled = true;
          resolve();
        },
      }),
    );
  });
  await late;
  expect(cancelled).toBe(true);
});
