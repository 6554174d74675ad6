import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { LOG_JSON_SCHEMA } from "./log-json-schema.ts";
import { isLogRecord } from "./log-schema.ts";

const validate = new Ajv2020().compile(LOG_JSON_SCHEMA);

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

test("a token of the answer is a length and a time, no more and no less", () => {
  const [record] = fc.sample(RECORDS, 1);
  for (const token of [[1], [1, 2, 3], ["a", 2], [1.5, 2], [1, -2]]) {
    expect([validate({ ...record, tokens: [token] }), isLogRecord({ ...record, tokens: [token] })]).toEqual([
      false,
      false,
    ]);
  }
});

test("every field is described by its name and type, and none may be missing", () => {
  const { properties, required } = LOG_JSON_SCHEMA as { properties: Record<string, unknown>; required: string[] };
  expect(Object.keys(properties).sort()).toEqual([...required].sort());
});
