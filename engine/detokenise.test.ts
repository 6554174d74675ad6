import fc from "fast-check";
import { expect, test } from "vitest";
import { embeddedModel } from "../tests/fixtures/node-model.ts";
import { EACH_KIND, llama2, metaspace } from "../tests/fixtures/small-tokenizers.ts";
import { createDetokeniser } from "./detokenise.ts";

const { decode, encode } = await embeddedModel.load();
const VOCABULARY = 2047; // the last id ends a text

function run(ids: readonly number[], decodeIds = decode, before: readonly number[] = [], isHalfSaid = true) {
  const detokeniser = createDetokeniser(decodeIds, before, isHalfSaid);
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

test("`createDetokeniser()` gives any text back, and no piece of it holds half a character", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 40 }), async (text) => {
      fc.pre(text.isWellFormed() && !text.includes("\uFFFD"));
      const pieces = run(await encode(text, false));
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

test.each([() => llama2(), () => metaspace()])(
  "an answer begins with the space that the model says, of a vocabulary of SentencePiece's",
  async (load) => {
    const model = await load();
    const prompt = await model.encode("Hello", true);
    const answer = (await model.encode("Hello world", true)).slice(prompt.length);
    expect(run(answer, model.decode, prompt).join("")).toBe(" world");
    expect(run(answer, model.decode, [...prompt, ...model.endTokenIds]).join("")).toBe(" world");
  },
);

test("a prompt and its answer are together what all of their tokens spell, in every kind of vocabulary", async () => {
  for (const load of EACH_KIND) {
    const model = await load();
    const size = model.vocabulary().bytes.length;
    fc.assert(
      fc.property(
        fc.array(fc.nat(size - 1), { maxLength: 20 }),
        fc.array(fc.nat(size - 1), { maxLength: 20 }),
        (prompt, answer) => {
          const echo = model.decode(prompt).replace(/\uFFFD$/, "");
          expect(echo + run(answer, model.decode, prompt, false).join("")).toBe(model.decode([...prompt, ...answer]));
        },
      ),
      { numRuns: 300 },
    );
  }
});

test("an answer completes the character that its prompt ends with half of, and repeats none", async () => {
  const model = await llama2();
  const [first, ...rest] = (await model.encode("é", false)).slice(1) as [number, ...number[]];
  expect(run(rest, model.decode, [first]).join("")).toBe("é");
  const prompt = await model.encode("what is \uFFFD", true);
  expect(run(await model.encode("Hello", false), model.decode, prompt).join("")).toBe(" Hello");
});

test("U+FEFF stays where it is in a text, in every kind of vocabulary that can spell it", async () => {
  for (const load of EACH_KIND.slice(0, 4)) {
    const model = await load();
    for (const text of ["\uFEFFHello", "a\uFEFFb", "\uFEFF\uFEFF"]) {
      const ids = await model.encode(text, false);
      expect(model.decode(ids)).toBe(text);
      expect(run(ids, model.decode).join("")).toBe(text);
    }
  }
});
