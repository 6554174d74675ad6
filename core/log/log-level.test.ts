import fc from "fast-check";
import { expect, test } from "vitest";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { LOG_LEVELS, levelOf, withoutTexts } from "./log-level.ts";
import { isLogRecord, type LogRecord } from "./log-schema.ts";

test("a request may have less logged than its site allows, never more", () => {
  for (const [siteRank, site] of LOG_LEVELS.entries()) {
    expect(levelOf(new Headers(), site)).toBe(site);
    for (const [rank, asked] of LOG_LEVELS.entries()) {
      expect(levelOf(new Headers({ "x-minivault-log": asked }), site)).toBe(LOG_LEVELS[Math.min(rank, siteRank)]);
    }
  }
  expect(() => levelOf(new Headers({ "x-minivault-log": "some" }), "full")).toThrow(/must be none, metadata or full/);
});

const SECRET = "s3cret";
const OPTIONS = {
  max_new_tokens: 5,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  typical_p: 1,
  repetition_penalty: 1,
  repeat_last_n: -1,
  frequency_penalty: 0,
  presence_penalty: 0,
  logit_bias: { 5: 1 },
  format: { type: "schema" as const, schema: { const: SECRET } },
  stop: [SECRET],
  seed: 7,
};

test("`withoutTexts()` leaves a record, with nothing of what was asked, answered or complained of", () => {
  fc.assert(
    fc.property(RECORDS, (record) => {
      const told: LogRecord = {
        ...record,
        prompt: `a ${SECRET}`,
        messages: [{ role: "user", content: SECRET }],
        response: `b ${SECRET}`,
        options: OPTIONS,
        error: { code: "bad-request", detail: `not "${SECRET}"`, status: 400 },
      };
      const shown = withoutTexts(told);
      expect(isLogRecord(shown)).toBe(true);
      expect(JSON.stringify(shown)).not.toContain(SECRET);
      expect(shown.tokens).toBeNull();
      const { id, usage, model, options, timestamp_ns } = shown;
      expect({ id, usage, model, timestamp_ns, seed: options?.seed }).toEqual({
        id: record.id,
        usage: record.usage,
        model: record.model,
        timestamp_ns: record.timestamp_ns,
        seed: 7,
      });
    }),
  );
});
