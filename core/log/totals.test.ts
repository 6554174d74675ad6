import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogRecord } from "./log-record.ts";
import { addRecord, BUCKETS_S, NO_TOTALS } from "./totals.ts";

const record = (changes: Partial<LogRecord>): LogRecord => ({
  schema: 5,
  id: "id",
  prev_hash: null,
  salt: "",
  level: "full",
  redacted: 0,
  request_id: "id",
  trace_id: null,
  timestamp: "2026-11-21T00:00:00.000Z",
  timestamp_ns: "1795219200000000000",
  started_at: null,
  finished_at: null,
  host: "node",
  client: null,
  engine: null,
  endpoint: "POST /generate",
  dialect: "minivault",
  mode: "full",
  prompt: "p",
  messages: null,
  instruction: false,
  response: "",
  tokens: null,
  model: null,
  device: null,
  options: null,
  usage: null,
  finish_reason: "stop",
  error: null,
  queue_ms: null,
  prompt_ms: null,
  ttft_ms: null,
  predicted_ms: null,
  tokens_per_s: null,
  duration_ms: null,
  ...changes,
});

const usage = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

test("`addRecord()` adds up what the records say", () => {
  const records = [
    record({ usage: usage(3, 4), prompt_ms: 100, predicted_ms: 300, ttft_ms: 120, duration_ms: 400 }),
    record({ usage: usage(10, 1), prompt_ms: 50, predicted_ms: 10, ttft_ms: 60, duration_ms: 60 }),
    record({ dialect: "openai", finish_reason: "error", duration_ms: 1 }),
    record({ dialect: null, finish_reason: "error", duration_ms: 1 }),
  ];
  const totals = records.reduce((sum, one) => addRecord(sum, one), NO_TOTALS);
  expect(totals).toMatchObject({ promptTokens: 13, predictedTokens: 5, longestTokens: 11 });
  expect(totals.promptSeconds).toBeCloseTo(0.15);
  expect(totals.predictedSeconds).toBeCloseTo(0.31);
  expect(totals.requests).toEqual([
    { dialect: "minivault", outcome: "stop", count: 2 },
    { dialect: "openai", outcome: "error", count: 1 },
    { dialect: "none", outcome: "error", count: 1 },
  ]);
  // Refused requests have no latency: they would only flatter it.
  expect(totals.latency.counts.reduce((a, b) => a + b)).toBe(2);
  expect(totals.latency.sum).toBeCloseTo(0.46);
  expect(totals.ttft.counts[BUCKETS_S.indexOf(0.1)]).toBe(1);
  expect(totals.ttft.counts[BUCKETS_S.indexOf(0.25)]).toBe(1);
});

test("`addRecord()` puts every latency into the one bucket that it belongs to", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (ms) => {
      const { counts } = addRecord(NO_TOTALS, record({ ttft_ms: ms, duration_ms: ms })).latency;
      const bucket = counts.indexOf(1);
      expect(counts.reduce((a, b) => a + b)).toBe(1);
      expect(ms / 1000).toBeLessThanOrEqual(BUCKETS_S[bucket] ?? Number.POSITIVE_INFINITY);
      expect(ms / 1000).toBeGreaterThan(BUCKETS_S[bucket - 1] ?? -1);
    }),
  );
});

test("totals are plain data that survives storage", () => {
  const totals = addRecord(NO_TOTALS, record({ ttft_ms: 5, duration_ms: 9 }));
  expect(structuredClone(totals)).toEqual(JSON.parse(JSON.stringify(totals)));
});
