import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBatch } from "./batch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("items come in their order, never more than so many together, and none later than it may", () => {
  const waits = fc.array(fc.nat(120), { maxLength: 60 });
  fc.assert(
    fc.property(waits, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 100 }), (waits, maxItems, maxMs) => {
      const addedMs: number[] = [];
      const seen: number[] = [];
      const onFull = (items: readonly number[]) => {
        expect(items.length).toBeLessThanOrEqual(maxItems);
        for (const item of items) expect(Date.now() - addedMs[item]!).toBeLessThanOrEqual(maxMs);
        seen.push(...items);
      };
      const batch = createBatch({ maxItems, maxMs, onFull });
      for (const [item, wait] of waits.entries()) {
        addedMs.push(Date.now());
        batch.add(item);
        vi.advanceTimersByTime(wait);
      }
      expect([...seen, ...batch.rest()]).toEqual([...waits.keys()]);
      const { length } = seen;
      vi.advanceTimersByTime(1_000);
      expect(seen).toHaveLength(length); // the rest was taken
    }),
  );
});
