import { describe, expect, test } from "vitest";
import { ENGINES } from "./engines.ts";
import { measureLifetime } from "./lifetime.ts";

/** Past the minute after which Firefox ends a stream whose service worker hears of nothing else. */
const SECONDS = 90;

// Idle for most of the time, so all at once.
describe.concurrent("in a browser that is left alone", () => {
  test.each(ENGINES)(
    `a stream of ${SECONDS} seconds comes to its end in $name`,
    async ({ name }) => {
      const { outcome, events } = await measureLifetime(name, SECONDS);
      expect(outcome).toBe("done");
      expect(events).toBe(SECONDS + 2); // usage, and the end mark
    },
    240_000,
  );
});
