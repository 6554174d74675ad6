import fc from "fast-check";
import { expect, test } from "vitest";
import { createWordIndex, hashOf, inAll, placesOf, SHARDS, shardOf } from "./word-index.ts";
import { wordsOf } from "./words.ts";

const WORD = fc.oneof(
  fc.constantFrom("capital", "France", "東", "東京", "京東エラー404", "a"),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const TEXTS = fc.array(
  fc.array(WORD, { maxLength: 12 }).map((words) => words.join(" ")),
  { maxLength: 40 },
);

const scan = (texts: readonly string[], query: ReadonlySet<string>) =>
  [...texts.keys()].filter((place) => [...query].every((word) => wordsOf(texts[place]!).has(word)));

test("the index of any texts finds where all of any words are, as reading all of the texts does", () => {
  fc.assert(
    fc.property(TEXTS, fc.array(WORD, { minLength: 1, maxLength: 3 }), (texts, asked) => {
      const query = wordsOf(asked.join(" "));
      fc.pre(query.size > 0);
      const index = createWordIndex();
      for (const [place, text] of texts.entries()) index.add(place, text);
      const shards = index.postings();
      const found = inAll([...query].map(hashOf).map((hash) => placesOf(shards[shardOf(hash)]!, hash)));
      expect([...found]).toEqual(scan(texts, query));
    }),
  );
});

test("the words of a text that is not added are in no shard", () => {
  const index = createWordIndex();
  index.add(7, "one two");
  const shards = index.postings();
  expect(shards).toHaveLength(SHARDS);
  expect(shards.flatMap(({ hashes }) => [...hashes]).sort()).toEqual(["one", "two"].map(hashOf).sort());
  expect([...placesOf(shards[shardOf(hashOf("two"))]!, hashOf("two"))]).toEqual([7]);
});
