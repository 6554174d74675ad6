import { describe, expect, test } from "vitest";
import { ENGINES } from "./engines.ts";
import { measureLifetime } from "./lifetime.ts";

/** Firefox stops a service worker that hears of nothing else after half a minute, at most a whole one. */
const SECONDS = 90;

// Idle for most of the time, so all at once.
describe.concurrent("in a browser that is left alone", () => {
  test.each(ENGINES)(
    `a stream of ${SECONDS} seconds comes to its end in $name`,
    async ({ name }) => {
      const lifetime = await measureLifetime(name, SECONDS);
      expect(lifetime).toMatchObject({ outcome: "done", events: SECONDS + 2 }); // usage, and the end mark
    },
    240_000,
  );
});
