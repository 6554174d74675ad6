import fc from "fast-check";
import { expect, test } from "vitest";
import { createStopFilter } from "./stop.ts";

/** Everything that comes out of the filter for these pieces, and whether a stop string was met. */
function run(pieces: readonly string[], stops: readonly string[]) {
  const filter = createStopFilter(stops);
  let out = "";
  let hit = false;
  for (const piece of pieces) {
    const result = filter.push(piece);
    out += result.text;
    hit ||= result.hit;
  }
  return { out: out + filter.flush(), hit };
}

test("`createStopFilter()` shows text at once that no stop string begins with", () => {
  const filter = createStopFilter(["\nUser:"]);
  expect(filter.push("Hello").text).toBe("Hello");
  expect(filter.push("\nUs").text).toBe("");
  expect(filter.push("e it").text).toBe("\nUse it");
});

test("`createStopFilter()` cuts before the first of several stop strings, wherever the pieces end", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 30 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(letters, fc.array(stop, { maxLength: 3 }), (text, stops) => {
      // A letter a piece: what is cut must not depend on what has not come yet.
      let whole = text;
      let hit = false;
      for (let end = 1; end <= text.length && !hit; end++) {
        const at = Math.min(...stops.map((one) => text.slice(0, end).indexOf(one)).filter((index) => index !== -1));
        hit = at !== Number.POSITIVE_INFINITY;
        if (hit) whole = text.slice(0, at);
      }
      expect(run([...text], stops)).toEqual({ out: whole, hit });
    }),
  );
});

test("`createStopFilter()` loses nothing where no stop string is met", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (pieces) => {
      expect(run(pieces, ["\u0000\u0000\u0000never"])).toEqual({ out: pieces.join(""), hit: false });
    }),
  );
});
