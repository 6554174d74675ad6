import { expect, test } from "vitest";
import { durationMs } from "./duration.ts";

test.each([
  [null, null],
  [undefined, null],
  [0, 0],
  ["0", 0],
  [300, 300_000],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["250ms", 250],
  ["1.5s", 1500],
  ["90", 90_000],
  [2 ** -30, 1000 * 2 ** -30],
  ["+.5h", 1_800_000],
  ["2.m", 120_000],
  ["1500us500000ns", 2],
  ["1500µs", 1.5],
  ["-0s", 0],
  [-1, Number.POSITIVE_INFINITY],
  ["-1", Number.POSITIVE_INFINITY],
  ["-5m", Number.POSITIVE_INFINITY],
])("`durationMs()` reads %j as %j", (given, ms) => {
  expect(durationMs(given)).toBe(ms);
});
