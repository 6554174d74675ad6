import fc from "fast-check";
import { expect, test } from "vitest";
import { VaultError } from "./errors.ts";
import { createRateLimiter } from "./rate-limit.ts";

const allows = (take: () => unknown): boolean => {
  try {
    take();
    return true;
  } catch (cause) {
    expect(cause).toBeInstanceOf(VaultError);
    return false;
  }
};

test("`createRateLimiter()` never lets more through than the burst and what has trickled in since", () => {
  const requests = fc.array(fc.record({ client: fc.constantFrom("a", "b"), afterMs: fc.nat(20_000) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 60 }), requests, (burst, perMinute, all) => {
      let clockMs = 0;
      const limiter = createRateLimiter({ burst, perMinute }, () => clockMs);
      const allowed: Record<string, number> = { a: 0, b: 0 };
      for (const { client, afterMs } of all) {
        clockMs += afterMs;
        if (allows(() => limiter.take(client))) allowed[client]!++;
        const most = burst + (clockMs * perMinute) / 60_000;
        expect(allowed[client]).toBeLessThanOrEqual(most + 1e-6);
      }
    }),
  );
});

test("`createRateLimiter()` says when to come back, and keeps its word", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 500 }), (burst, perMinute) => {
      let clockMs = 0;
      const limiter = createRateLimiter({ burst, perMinute }, () => clockMs);
      for (let n = 0; n < burst; n++) expect(limiter.take("a")["ratelimit-remaining"]).toBe(String(burst - n - 1));
      let error: VaultError | undefined;
      try {
        limiter.take("a");
      } catch (cause) {
        error = cause as VaultError;
      }
      expect(error?.code).toBe("rate-limited");
      clockMs += Number(error?.headers["retry-after"]) * 1000;
      expect(allows(() => limiter.take("a"))).toBe(true);
    }),
  );
});

test("`createRateLimiter()` forgets those whose buckets are full again, before one that is being held back", () => {
  let clockMs = 0;
  const limiter = createRateLimiter({ burst: 2, perMinute: 1 }, () => clockMs);
  const take = (client: string) => allows(() => limiter.take(client));
  expect([take("held"), take("held"), take("held")]).toEqual([true, true, false]); // the oldest, and empty
  for (let n = 0; n < 900; n++) take(`early ${n}`);
  clockMs += 60_000; // one more for each: the early ones are full
  expect(take("held")).toBe(true);
  for (let n = 0; n < 200; n++) take(`late ${n}`); // more than are remembered
  expect(take("held")).toBe(false);
});
