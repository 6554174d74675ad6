import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { START as start } from "../tests/fixtures/start-event.ts";
import { VaultError } from "./errors.ts";
import { createJournal } from "./exchange.ts";
import type { LogSink } from "./log/log-record.ts";
import type { TokenEvent } from "./protocol.ts";
import { recordEvents } from "./record.ts";

const token = (index: number): TokenEvent => ({ type: "token", index, tokenId: index, text: `t${index}`, score: null });
const done: TokenEvent = { type: "done", text: "!", finishReason: "stop", newTokens: 2, decodeMs: 4 };

function source(events: TokenEvent[], end: "close" | "fail" | "hang" = "close") {
  const left = [...events];
  return new ReadableStream<TokenEvent>(
    {
      pull(controller) {
        const event = left.shift();
        if (event) return controller.enqueue(event);
        if (end === "close") return controller.close();
        if (end === "fail") throw new VaultError("engine-failed", "It broke.");
        return new Promise(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

function setUp(log: LogSink = createMemoryLog(), onBusy: (answers: number) => void = () => {}) {
  let clockMs = 0;
  const now = () => (clockMs += 10);
  const journal = createJournal({ log, now, newId: () => "id-1", host: "node", onBusy });
  const exchange = journal.newExchange(new Request("http://x/generate/stream", { method: "POST" }), "tab-1");
  exchange.begin({ prompt: "p", mode: "stream" });
  return { journal, exchange, now };
}

async function read(stream: ReadableStream<TokenEvent>): Promise<TokenEvent[]> {
  const events: TokenEvent[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) events.push(next.value);
  return events;
}

test("`recordEvents()` passes everything through and stores one record", async () => {
  const log = createMemoryLog();
  const { exchange, now } = setUp(log);
  expect(log.records).toMatchObject([{ id: "id-1", prompt: "p", finish_reason: null }]);
  const events = [start, token(0), token(1), done];
  expect(await read(recordEvents(source(events), exchange, now).recorded)).toEqual(events);
  expect(log.records).toMatchObject([
    {
      response: "t0t1!",
      tokens: [
        [2, expect.any(Number)],
        [2, expect.any(Number)],
        [1, expect.any(Number)],
      ],
      model: "m",
      device: "cpu",
      finish_reason: "stop",
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      tokens_per_s: 500,
      prompt_ms: 5,
      predicted_ms: 4,
      options: { seed: 7 },
      error: null,
    },
  ]);
});

test("any tokens add up to the response, and each comes after the one before; what was said earlier has no times", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(texts, texts, fc.string(), async (earlier, later, rest) => {
      const all = [...earlier, ...later];
      const tokens = all.map(
        (text, index): TokenEvent => ({ type: "token", index, tokenId: index, text, score: null }),
      );
      const known = earlier.length > 0 ? [start, ...tokens.slice(0, earlier.length)] : [];
      const log = createMemoryLog();
      const { exchange, now } = setUp(log);
      const events = source([start, ...tokens, { ...done, text: rest, newTokens: all.length }]);
      await read(recordEvents(events, exchange, now, known).recorded);
      const [record] = log.records;
      expect(record?.response).toBe(all.join("") + rest);
      if (earlier.length > 0) expect(record?.tokens).toBeNull();
      if (earlier.length > 0) return;
      const timed = record?.tokens ?? [];
      expect(timed.reduce((sum, [characters]) => sum + characters, 0)).toBe(record?.response.length);
      expect(timed).toHaveLength(all.length + (rest ? 1 : 0));
      const times = timed.map(([, ms]) => ms);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
    { numRuns: 50 },
  );
});

test("`recordEvents()` stores the record before the reader sees the end", async () => {
  const log = createMemoryLog();
  const { exchange, now } = setUp(log);
  const reader = recordEvents(source([start, token(0), done]), exchange, now).recorded.getReader();
  for (let next = await reader.read(); next.value?.type !== "done"; next = await reader.read());
  expect(log.records[0]?.finish_reason).toBe("stop");
});

test("`recordEvents()` turns a failure into a last event, and keeps what was said before it", async () => {
  const log = createMemoryLog();
  const { exchange, now } = setUp(log);
  const events = await read(recordEvents(source([start, token(0)], "fail"), exchange, now).recorded);
  expect(events.at(-1)).toEqual({ type: "error", error: { code: "engine-failed", detail: "It broke." } });
  expect(log.records).toMatchObject([{ response: "t0", finish_reason: "error", error: { status: 500 } }]);
});

test("an answer that ends before it is whole is an error, and nothing waits for its end", async () => {
  const log = createMemoryLog();
  const busy: number[] = [];
  const { exchange, now } = setUp(log, (answers) => busy.push(answers));
  const events = await read(recordEvents(source([start, token(0)]), exchange, now).recorded);
  expect(events.at(-1)).toMatchObject({ type: "error", error: { code: "engine-failed" } });
  expect(log.records).toMatchObject([{ response: "t0", finish_reason: "error", error: { code: "engine-failed" } }]);
  expect(busy).toEqual([1, 0]);
});

test("an answer is over with its last event, even if nobody reads on and its source never ends", async () => {
  const { exchange, now } = setUp();
  let isLeft = false;
  const left = [start, done];
  const events = new ReadableStream<TokenEvent>(
    {
      pull: (controller) => (left.length > 0 ? controller.enqueue(left.shift()!) : new Promise(() => {})),
      cancel: () => {
        isLeft = true;
      },
    },
    { highWaterMark: 0 },
  );
  const reader = recordEvents(events, exchange, now).recorded.getReader();
  expect([await reader.read(), await reader.read()].map(({ value }) => value)).toEqual([start, done]);
  expect(isLeft).toBe(true);
  expect((await reader.read()).done).toBe(true);
});

test("`recordEvents()` stores a cancelled exchange once, with the tokens it had", async () => {
  const log = createMemoryLog();
  const { exchange, now } = setUp(log);
  const reader = recordEvents(source([start, token(0), token(1)], "hang"), exchange, now).recorded.getReader();
  for (let count = 0; count < 3; count++) await reader.read();
  const pending = reader.read();
  await reader.cancel();
  await pending;
  expect(log.records).toMatchObject([
    { response: "t0t1", finish_reason: "cancelled", usage: { completion_tokens: 2 } },
  ]);
});

test("a log that cannot be written does not stand in the way of the answer, and is counted", async () => {
  const full: LogSink = { ...createMemoryLog(), begin: () => Promise.reject(new Error("storage is full")) };
  const { journal, exchange, now } = setUp(full);
  expect(await read(recordEvents(source([start, done]), exchange, now).recorded)).toEqual([start, done]);
  expect(journal.failures).toBe(1);
});
