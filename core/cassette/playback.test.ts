import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SCHEMA_3 } from "../../tests/fixtures/old-records.ts";
import { requestOf } from "../log/replay.ts";
import { upgradeRecord } from "../log/upgrade-record.ts";
import { partsOf } from "./parts.ts";
import { playback } from "./playback.ts";
import type { WholeRecord } from "./recording.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The first 100 ms were spent in the queue. */
const RECORD: WholeRecord = {
  ...(upgradeRecord(SCHEMA_3) as WholeRecord),
  response: " Paris. Yes",
  tokens: [
    [3, 150],
    [4, 350],
    [4, 351],
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  queue_ms: 100,
};
const play = (record: WholeRecord, continued: number[] = []) =>
  playback({ place: 4, record, request: requestOf(record) }, { ...requestOf(record), continued }, "cassette:x");

async function timesOf(events: ReturnType<typeof play>) {
  const times: [text: string, ms: number][] = [];
  const startMs = performance.now();
  const reader = events.getReader();
  const reading = (async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const text = "text" in next.value ? next.value.text : next.value.type;
      times.push([text, performance.now() - startMs]);
    }
  })();
  await vi.runAllTimersAsync();
  await reading;
  return times;
}

test("each token comes when it came, counted from its turn, and what was held back at the end", async () => {
  expect(await timesOf(play(RECORD))).toEqual([
    ["start", 0],
    [" Pa", 50],
    ["ris.", 250],
    [" Yes", 251],
  ]);
});

test("what was told before comes at once, and the rest as long after it as it did", async () => {
  expect(await timesOf(play(RECORD, [4]))).toEqual([
    ["start", 0],
    [" Pa", 0],
    ["ris.", 200],
    [" Yes", 201],
  ]);
});

test("a cancelled answer leaves no timer behind, and says nothing more", async () => {
  const reader = play(RECORD).getReader();
  await reader.read();
  const pending = reader.read();
  await vi.advanceTimersByTimeAsync(10);
  expect(vi.getTimerCount()).toBe(1);
  await reader.cancel();
  expect(vi.getTimerCount()).toBe(0);
  expect(await pending).toMatchObject({ done: true });
});

test("without the times of tokens it comes word by word, as fast as it did", async () => {
  const record = { ...RECORD, response: "One two three four", tokens: null, ttft_ms: 200, tokens_per_s: 20 };
  record.usage = { ...RECORD.usage, completion_tokens: 8 };
  expect(await timesOf(play(record))).toEqual([
    ["start", 0],
    ["One", 100],
    [" two", 200],
    [" three", 300],
    [" four", 400],
    ["", 400],
  ]);
});

test("the parts of any text are all of it, in order, also if somebody has changed the text", () => {
  const counts = fc.array(fc.tuple(fc.nat(9), fc.nat()));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.option(counts), (response, tokens) => {
      const parts = partsOf({ ...RECORD, response, tokens });
      expect(parts.map(({ text }) => text).join("")).toBe(response);
    }),
  );
});
