import { expect, test } from "vitest";
import { SCHEMA_1, SCHEMA_2, SCHEMA_3 } from "../../tests/fixtures/old-records.ts";
import { isLogRecord } from "./log-schema.ts";
import { upgradeRecord } from "./upgrade-record.ts";

test.each([SCHEMA_1, SCHEMA_2])(
  "a record of schema $schema becomes one of today, and nothing in it is lost",
  (stored) => {
    const record = upgradeRecord(stored);
    expect(isLogRecord(record)).toBe(true);
    const { schema, traceparent, ...kept } = { traceparent: null, ...stored };
    expect(record).toMatchObject(kept);
    expect(record).toMatchObject({
      timestamp_ns: "1795219199500000000",
      started_at: "2026-11-20T23:59:59.502Z",
      finished_at: "2026-11-21T00:00:00.700Z",
      trace_id: traceparent && "4bf92f3577b34da6a3ce929d0e0e4736",
    });
  },
);

test("a record of schema 3 becomes one of today, and nothing in it is changed", () => {
  const record = upgradeRecord(SCHEMA_3);
  expect(isLogRecord(record)).toBe(true);
  expect(record).toEqual({
    ...SCHEMA_3,
    schema: 5,
    prev_hash: null,
    salt: "",
    tokens: null,
    redacted: 0,
    instruction: false,
  });
});

test("a damaged record does not stand in the way of the others", () => {
  const damaged = { ...SCHEMA_2, timestamp: "yesterday", queue_ms: undefined, options: undefined };
  expect(upgradeRecord(damaged as never)).toMatchObject({ timestamp_ns: "0", started_at: null, response: " Paris." });
});

test("a record of today stays what it is", () => {
  const record = upgradeRecord(SCHEMA_2);
  expect(upgradeRecord(record)).toBe(record);
});

test("an exchange that was never answered has no such times", () => {
  const open = { ...SCHEMA_2, options: null, queue_ms: null, duration_ms: null, finish_reason: null, model: null };
  expect(upgradeRecord(open)).toMatchObject({ started_at: null, finished_at: null, options: null, engine: null });
});
