import fc from "fast-check";
import { expect, test } from "vitest";
import { createSpeller } from "./spell.ts";

test("the speller takes the fewest tokens, even if the longest first would take more", () => {
  const spell = createSpeller(["a", "b", "d", "e", "abc", "ab", "cde"]);
  expect(spell("abcde")).toEqual([5, 6]);
  expect(spell("abcabcde")).toEqual([4, 5, 6]);
  expect(spell("")).toEqual([]);
});

test("the speller says `null` of what it cannot spell, and finds its way where a token leads nowhere", () => {
  const spell = createSpeller(["ab", "abc", "d", "cx", ""]);
  expect(spell("abcd")).toEqual([1, 2]);
  expect(spell("abd")).toEqual([0, 2]);
  expect(spell("bd")).toBe(null);
  expect(spell("d")).toEqual([2]);
});

test("the tokens of the speller spell what was asked for, whatever was asked for before", () => {
  const texts = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength });
  fc.assert(
    fc.property(fc.uniqueArray(texts(4)), fc.array(texts(20)), (vocabulary, asked) => {
      const spell = createSpeller(vocabulary);
      for (const text of asked) {
        const spelled = spell(text);
        expect(spelled).toEqual(createSpeller(vocabulary)(text));
        if (spelled) expect(spelled.map((id) => vocabulary[id]).join("")).toBe(text);
        else expect(createSpeller([...vocabulary, "a", "b", "c"])(text)).not.toBe(null);
      }
    }),
  );
});
