import { expect, test } from "vitest";
import { deferStream } from "./defer-stream.ts";

const streamOf = (...values: number[]) =>
  new ReadableStream<number>({
    start(controller) {
      for (const value of values) controller.enqueue(value);
      controller.close();
    },
  });

function promiseOf() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

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
  expect(ends).toBe(1);
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

test("a cancel between the opening and what follows it is seen there, and told once", async () => {
  let ends = 0;
  const { promise: turn, resolve: go } = promiseOf();
  const { promise: opening, resolve: begin } = promiseOf();
  const seen: boolean[] = [];
  const stream = deferStream(
    async (ended) => {
      begin();
      await turn;
      seen.push(ended.aborted);
      ended.throwIfAborted();
      return streamOf(1);
    },
    () => ends++,
  );
  const reader = stream.getReader();
  const read = reader.read();
  await opening;
  go();
  await reader.cancel(); // before what waits for the turn has gone on
  expect((await read).done).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([true]);
  expect(ends).toBe(1);
});
