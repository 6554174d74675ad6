import fc from "fast-check";
import { expect, test } from "vitest";
import { GENESIS, NO_CHAIN, relink } from "./chain.ts";
import { endsOf, isSignedOff, NO_ENDS, newSigningKey, signOff } from "./checkpoint.ts";

const ENDS = fc.record({ starts: fc.array(fc.string()), heads: fc.array(fc.string()) });

test("a log that only grows has no ends; what is taken out of it leaves some", () => {
  const links = ["a", "b", "c", "d"].map((hash, place, all) => ({ prev: all[place - 1] ?? GENESIS, hash }));
  const grown = relink(NO_CHAIN, { added: links });
  expect(endsOf(grown)).toEqual(NO_ENDS);
  expect(endsOf(relink(grown, { removed: links.slice(1, 3) }))).toEqual({ starts: ["c"], heads: ["a"] });
  expect(endsOf(relink(grown, { removed: links.slice(0, 2) }))).toEqual({ starts: ["b"], heads: [] });
  expect(endsOf(relink(grown, { removed: links.slice(3) }))).toEqual(NO_ENDS);
});

test("a checkpoint is of its log's key, of its ends and of its time", async () => {
  const [key, other] = [await newSigningKey(), await newSigningKey()];
  await fc.assert(
    fc.asyncProperty(ENDS, fc.string(), async (ends, more) => {
      const signed = await signOff(ends, key, Date.UTC(2026, 10, 22));
      expect(signed).toMatchObject({ ...ends, at: "2026-11-22T00:00:00.000Z" });
      expect(await isSignedOff(signed)).toBe(true);
      const forged = [
        { ...signed, starts: [...ends.starts, more] },
        { ...signed, heads: [...ends.heads, more] },
        { ...signed, at: "2026-11-22T00:00:00.001Z" },
        { ...signed, public_key: other.public },
        { ...signed, signature: signed.signature.replace(/^./, (first) => (first === "A" ? "B" : "A")) },
        { ...signed, signature: "%" },
      ];
      for (const one of forged) expect(await isSignedOff(one)).toBe(false);
    }),
    { numRuns: 20 },
  );
});
