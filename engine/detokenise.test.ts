import fc from "fast-check";
import { expect, test } from "vitest";
import { embeddedModel } from "../tests/fixtures/node-model.ts";
import { createDetokeniser } from "./detokenise.ts";

const { decode, encode } = await embeddedModel.load();
const VOCABULARY = 2047; // the last id ends a text

function run(ids: readonly number[], decodeIds = decode) {
  const detokeniser = createDetokeniser(decodeIds);
  const pieces = ids.map((id) => detokeniser.push(id));
  return [...pieces, detokeniser.flush()];
}

test("`createDetokeniser()` gives the text of any tokens, as decoding them together does", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(VOCABULARY - 1), { maxLength: 60 }), (ids) => {
      expect(run(ids).join("")).toBe(decode(ids));
    }),
    { numRuns: 500 },
  );
});

test("`createDetokeniser()` gives any text back, and no piece of it holds half a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
      fc.pre(text.isWellFormed() && !text.includes("\uFFFD"));
      const pieces = run(encode(text, false));
      expect(pieces.join("")).toBe(text);
      for (const piece of pieces) expect(piece.isWellFormed() && !piece.includes("\uFFFD")).toBe(true);
    }),
  );
});

test("`createDetokeniser()` holds back one character at most, also of bytes that are none", () => {
  const bytes = (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids));
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 40 }), (ids) => {
      const pieces = run(ids, bytes);
      expect(pieces.join("")).toBe(bytes(ids));
      expect([...(pieces.at(-1) ?? "")].length).toBeLessThanOrEqual(1);
    }),
  );
});

test("`createDetokeniser()` keeps the spaces of a decoder that strips the first", () => {
  const words = ["▁Hello", "▁wide", "▁world", "!"];
  const sentencePiece = (ids: readonly number[]) =>
    ids
      .map((id) => words[id])
      .join("")
      .replaceAll("▁", " ")
      .replace(/^ /, "");
  expect(run([0, 1, 2, 3], sentencePiece).join("")).toBe("Hello wide world!");
});
