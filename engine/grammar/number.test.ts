import fc from "fast-check";
import { expect, test } from "vitest";
import { fits } from "./fits.ts";
import { numberEnding } from "./number.ts";
import { createShapes } from "./read-schema.ts";
import type { NumberShape } from "./shape.ts";

const numbers = (keywords: Partial<NumberShape>): NumberShape => ({
  kind: "number",
  minimum: -Infinity,
  maximum: Infinity,
  exclusiveMinimum: -Infinity,
  exclusiveMaximum: Infinity,
  steps: [],
  ...keywords,
});

test.each([
  [{}, "", "1"],
  [{}, "12", ""],
  [{}, "-", "1"],
  [{}, "0.", "1"],
  [{}, "2e", "1"],
  [{}, "2e-", "1"],
  [{}, "01", null],
  [{}, "1..", null],
  [{}, "2e400", null],
  [{ minimum: 100 }, "", "100"],
  [{ maximum: -3 }, "", "-3"],
  [{ maximum: -3 }, "1", null],
  [{ minimum: 0.25, maximum: 0.3 }, "", "0.3"],
  [{ minimum: 10.5, maximum: 10.6 }, "1", "0.5"],
  [{ exclusiveMinimum: 5, steps: [1] }, "", "6"],
  [{ exclusiveMaximum: 0, exclusiveMinimum: -1 }, "", "-0.1"],
  [{ minimum: 0 }, "-", null],
  [{ minimum: 123, maximum: 129, steps: [1] }, "1", "23"],
  [{ minimum: 123, maximum: 129, steps: [1] }, "13", null],
  [{ steps: [1] }, "1.", null],
  [{ steps: [7] }, "5", "6"],
  [{ steps: [1, 0.4], minimum: 3 }, "", "4"],
  [{ steps: [0.01] }, "1.2", ""],
  [{ steps: [0.01] }, "1.234", null],
  [{ minimum: 1e20 }, "", "100000000000000000000"],
  [{ exclusiveMinimum: 0, exclusiveMaximum: 1e-20 }, "", "0.000000000000000000001"],
  [{ minimum: 5, maximum: 4 }, "", null],
  [{ minimum: 1.2, maximum: 1.8, steps: [1] }, "", null],
] as ReadonlyArray<[Partial<NumberShape>, string, string | null]>)(
  "`numberEnding()` among %j completes %j with %j",
  (keywords, begun, ending) => {
    expect(numberEnding(begun, numbers(keywords))).toBe(ending);
  },
);

const shapes = fc
  .record({
    minimum: fc.constantFrom(-Infinity, -20, -1.5, 0, 0.3, 7, 99.5),
    size: fc.constantFrom(Infinity, 0, 0.2, 1, 25, 1000),
    steps: fc.constantFrom([], [1], [0.1], [3], [1, 2.5], [0.25]),
  })
  .map(({ minimum, size, steps }) =>
    numbers({ minimum, maximum: minimum === -Infinity ? size : minimum + size, steps }),
  );

/** Nothing, up to two digits, or a point and a digit. */
const DIGITS = Array.from("0123456789");
const MORE = ["", ...DIGITS, ...DIGITS.flatMap((a) => DIGITS.map((b) => a + b)), ...DIGITS.map((digit) => `.${digit}`)];

test("`numberEnding()` finds a number that is allowed, if there is one nearby", () => {
  fc.assert(
    fc.property(shapes, fc.stringMatching(/^-?(0|[1-9]\d{0,3})(\.\d{0,3})?$/), (shape, begun) => {
      const ending = numberEnding(begun, shape);
      const isAllowed = (text: string) => fits(Number(text), shape, createShapes(true));
      if (ending !== null) expect(isAllowed(begun + ending), begun + ending).toBe(true);
      // It does not write noughts after the point that say nothing, nor a nought with a minus.
      const isWritten = (text: string) => /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(text) && !/^-[0.]+$/.test(text);
      const nearby = MORE.map((more) => begun + more).filter((text) => isWritten(text) && isAllowed(text));
      for (const text of nearby) expect(ending?.length, text).toBeLessThanOrEqual(text.length - begun.length);
    }),
  );
});
