import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { joined, LogLine } from "./log-line.ts";

test("any records are their lines, and the other way round", () => {
  fc.assert(
    fc.property(fc.array(RECORDS, { maxLength: 5 }), (records) => {
      const lines = records.map((record) => LogLine.of(record));
      const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      expect(new TextDecoder().decode(joined(lines))).toBe(text);
      for (const [at, { bytes, hash }] of lines.entries()) {
        const read = LogLine.read("some id", bytes);
        expect(read.record).toEqual(JSON.parse(JSON.stringify(records[at])));
        expect(read.hash).toBe(hash);
        expect(hash).toBe(createHash("sha256").update(JSON.stringify(records[at])).digest("hex"));
      }
    }),
  );
});

test("a line that is no JSON any more says whose it was", () => {
  const line = LogLine.read("7b1c2f0e", new TextEncoder().encode('"id":"7b1c2f0e"}\n'));
  expect(() => line.record).toThrow(
    expect.objectContaining({ code: "log-failed", message: expect.stringContaining("/logs/7b1c2f0e") }),
  );
});
