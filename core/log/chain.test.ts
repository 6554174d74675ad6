import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chain, createVerifier, type Link, NO_CHAIN, relink } from "./chain.ts";

interface One extends Link {
  readonly id: string;
  readonly timestamp: string;
}
const newOne = (prev: string, id: string): One => ({
  prev,
  hash: `hash of ${id} behind ${prev.slice(-12)}`,
  id,
  timestamp: id,
});

function verify(records: readonly One[], chain: Chain) {
  const verifier = createVerifier(chain);
  for (const record of records) verifier.add(record);
  return verifier.end();
}

const append = (records: One[], chain: Chain, id: string): Chain => {
  const one = newOne(chain.last, id);
  records.push(one);
  return relink(chain, { added: [one] });
};

const STEP = fc.oneof(
  { weight: 3, arbitrary: fc.constant("append" as const) },
  { weight: 1, arbitrary: fc.nat().map((at) => ({ remove: at })) },
  { weight: 1, arbitrary: fc.constant("import" as const) },
);

/** A log that lived: records came, went, and were brought from elsewhere. */
function live(steps: readonly (typeof STEP extends fc.Arbitrary<infer T> ? T : never)[]) {
  const records: One[] = [];
  let chain = NO_CHAIN;
  for (const [turn, step] of steps.entries()) {
    if (step === "append") chain = append(records, chain, `own-${turn}`);
    else if (step === "import") {
      const other: One[] = [];
      let theirs = NO_CHAIN;
      for (const part of [0, 1, 2]) theirs = append(other, theirs, `import-${turn}-${part}`);
      const brought = other.slice(turn % 2);
      records.push(...brought);
      chain = relink(chain, { added: brought });
    } else if (records.length > 0) {
      const removed = records.splice(step.remove % records.length, 1);
      chain = relink(chain, { removed });
    }
  }
  return { records, chain };
}

test("a log that lived is whole, in whatever order it is read", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (steps, keys) => {
      const { records, chain } = live(steps);
      expect(verify(records, chain)).toBeNull();
      const shuffled = records.map((record) => ({ record, key: keys.next().value })).toSorted((a, b) => a.key - b.key);
      expect(
        verify(
          shuffled.map(({ record }) => record),
          chain,
        ),
      ).toBeNull();
    }),
  );
});

test("whatever is changed, taken out or slipped in is noticed", () => {
  const harm = fc.constantFrom("change", "take out", "slip in", "twice");
  fc.assert(
    fc.property(fc.array(STEP, { minLength: 1, maxLength: 30 }), fc.nat(), harm, (steps, pick, how) => {
      const { records, chain } = live(["append", ...steps, "append"]);
      const at = pick % records.length;
      const harmed = [...records];
      if (how === "change") harmed[at] = { ...records[at]!, hash: "of something else" };
      if (how === "take out") harmed.splice(at, 1);
      if (how === "slip in") harmed.splice(at, 0, newOne(records[at]!.prev, "forged"));
      if (how === "twice") harmed.push(records[at]!);
      expect(verify(harmed, chain)).not.toBeNull();
    }),
  );
});

test("the first record that does not fit is named", () => {
  const records: One[] = [];
  let chain = NO_CHAIN;
  for (const id of ["a", "b", "c", "d"]) chain = append(records, chain, id);
  const [a, b, c, d] = records as [One, One, One, One];
  expect(verify([a, { ...b, hash: "other" }, c, d], chain)).toEqual({ id: "b", timestamp: "b", problem: "successor" });
  expect(verify([a, c, d], chain)).toEqual({ id: "a", timestamp: "a", problem: "successor" });
  expect(verify([b, c, d], chain)).toEqual({ id: "b", timestamp: "b", problem: "predecessor" });
  expect(verify([a, b, c], chain)).toEqual({ id: "c", timestamp: "c", problem: "successor" });
  expect(verify([], chain)).toEqual({ id: null, problem: "end" });
});
