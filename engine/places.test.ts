import fc from "fast-check";
import { expect, test } from "vitest";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { createDetokeniser } from "./detokenise.ts";
import { atOnce } from "./in-slices.ts";
import type { TextModel } from "./model.ts";
import { createPlacer, placesIn } from "./places.ts";

/** Of each byte: how many characters begin before the one that it belongs to. */
const placesOf = (text: string): number[] =>
  [...text].flatMap((character, index) => Array(new TextEncoder().encode(character).length).fill(index));

/** A model whose tokens are these pieces, by their place. */
function modelOf(pieces: readonly Uint8Array[], specialIds: readonly number[] = []): TextModel {
  const decode = (ids: readonly number[]) => {
    const bytes = ids.filter((id) => !specialIds.includes(id)).flatMap((id) => [...(pieces[id] ?? [])]);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  };
  return { ...createFakeModel(), decode, vocabulary: () => ({ bytes: pieces, specialIds }) };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sizes[pieces.length % sizes.length] ?? 1;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const character = fc.oneof(
  fc.constantFrom("a", " ", "é", "€", "🙂", "\uFFFD", "\uFEFF", "\u0301", "中", "\n"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const text = fc.array(character, { maxLength: 30 }).map((characters) => characters.join(""));
const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 });
const ids = (pieces: readonly unknown[]) => pieces.map((_, index) => index);

test("tokens are where the whole text has them, whatever text is cut into whatever pieces", () => {
  fc.assert(
    fc.property(text, sizes, (text, sizes) => {
      const bytes = new TextEncoder().encode(text);
      const pieces = cut(bytes, sizes);
      const model = modelOf(pieces);
      const detokeniser = createDetokeniser((ids) => model.decode(ids));
      const place = createPlacer();
      const found = ids(pieces).map((id) => place(detokeniser.push(id), pieces[id] ?? []));
      let at = 0;
      const expected = pieces.map((piece) => {
        const own = placesOf(text)[at];
        at += piece.length;
        return own;
      });
      expect(found).toEqual(expected);
      expect(atOnce(placesIn(text, ids(pieces), model))).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test("bytes that are no text have the place of the U+FFFD that stands for them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
      const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
      const model = modelOf(pieces);
      const decode = (end: number) => model.decode(ids(pieces.slice(0, end)));
      const places = atOnce(placesIn(decode(bytes.length), ids(pieces), model));
      for (const [index, place] of places.entries()) expect(place).toBe([...decode(index + 1)].length - 1);
    }),
  );
});

test("a control token has a place in the prompt's text where it is spelled out, and none where the tokenizer put it", () => {
  const pieces = ["<s>", "a", "é", "<|end|>", "b"].map((text) => new TextEncoder().encode(text));
  const model = modelOf(pieces, [0, 3]);
  expect(atOnce(placesIn("aé<|end|>b", [0, 1, 2, 3, 4], model))).toEqual([0, 0, 1, 2, 9]);
  expect(atOnce(placesIn("aéb", [0, 1, 2, 3, 4], model))).toEqual([0, 0, 1, 2, 2]);
});
