import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLogRecord, type LogRecord, logJsonSchema } from "./log-schema.ts";

const validate = new Ajv2020().compile(logJsonSchema());

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary);
const moment = fc
  .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
  .map((date) => date.toISOString());
const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
const text = fc.string({ unit: "binary" });

const RECORDS: fc.Arbitrary<LogRecord> = fc.record({
  schema: fc.constant(3 as const),
  id: fc.uuid(),
  request_id: text,
  trace_id: orNull(fc.stringMatching(/^[\da-f]{32}$/)),
  timestamp: moment,
  timestamp_ns: fc.nat().map(String),
  started_at: orNull(moment),
  finished_at: orNull(moment),
  endpoint: text,
  dialect: orNull(text),
  mode: orNull(fc.constantFrom("full" as const, "stream" as const)),
  host: fc.constantFrom("browser" as const, "node" as const),
  client: orNull(text),
  prompt: orNull(fc.oneof(text, fc.array(fc.nat()))),
  messages: orNull(fc.array(fc.record({ role: fc.constantFrom("system" as const, "user" as const), content: text }))),
  response: text,
  model: orNull(text),
  engine: orNull(text),
  device: orNull(fc.constantFrom("webgpu" as const, "wasm" as const, "cpu" as const)),
  options: fc.constant(null),
  usage: orNull(fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), total_tokens: fc.nat() })),
  finish_reason: orNull(fc.constantFrom("stop" as const, "length" as const, "interrupted" as const)),
  error: orNull(fc.record({ code: text, detail: text, status: fc.nat() })),
  queue_ms: orNull(ms),
  prompt_ms: orNull(ms),
  ttft_ms: orNull(ms),
  predicted_ms: orNull(ms),
  tokens_per_s: orNull(ms),
  duration_ms: orNull(ms),
});

test("the published JSON Schema and our own check agree on records, and on what is none", () => {
  const broken = fc
    .tuple(RECORDS, fc.jsonValue())
    .chain(([record, value]) => fc.constantFrom(...Object.keys(record)).map((key) => ({ ...record, [key]: value })));
  fc.assert(
    fc.property(fc.oneof(RECORDS, broken), (record) => {
      expect(validate(record)).toBe(isLogRecord(record));
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(RECORDS, isLogRecord));
});

test("every field is described by its name and type, and none may be missing", () => {
  const { properties, required } = logJsonSchema() as { properties: Record<string, unknown>; required: string[] };
  expect(Object.keys(properties).sort()).toEqual([...required].sort());
});
