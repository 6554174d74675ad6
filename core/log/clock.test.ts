import fc from "fast-check";
import { expect, test } from "vitest";
import { after, nanoseconds } from "./clock.ts";

test("`nanoseconds()` is within the millisecond that it was asked for", () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), (ms) => {
      const ns = nanoseconds(ms);
      expect(ns / 1_000_000n).toBe(BigInt(ms));
      expect(ns % 1000n).toBe(0n);
    }),
  );
});

test("`after()` is strictly increasing, whatever the clock does", () => {
  const anyNs = fc.nat(Number.MAX_SAFE_INTEGER).map((micros) => `${BigInt(micros) * 1000n}`);
  fc.assert(
    fc.property(fc.array(anyNs), (clock) => {
      let last: string | undefined;
      for (const ns of clock) {
        const next = after(last, ns);
        expect(BigInt(next)).toBeGreaterThanOrEqual(BigInt(ns));
        if (last !== undefined) expect(BigInt(next)).toBeGreaterThan(BigInt(last));
        last = next;
      }
    }),
  );
});
