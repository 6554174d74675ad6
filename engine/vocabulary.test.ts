import { expect, test } from "vitest";
import { embeddedModel, mergedModel } from "../tests/fixtures/node-model.ts";
import { EACH_KIND } from "../tests/fixtures/small-tokenizers.ts";
import { vocabularyOf } from "./vocabulary.ts";

test("`vocabularyOf()` reads GPT-2's stand-ins, SentencePiece's spaces and bytes, and gaps", () => {
  const gpt2 = vocabularyOf(
    [
      ["ĠHi", 1],
      ["Ċ", 0],
      ["Ã¼", 3],
    ],
    [9],
    { byteLevel: true },
  );
  expect(gpt2.bytes.map((bytes) => [...bytes])).toEqual([[10], [32, 72, 105], [], [0xc3, 0xbc]]);
  expect(gpt2.specialIds).toEqual([9]);
  const sentencePiece = vocabularyOf(
    [
      ["▁Hi", 0],
      ["<0x0A>", 1],
      ["ü", 2],
    ],
    [],
    { byteLevel: false },
  );
  expect(sentencePiece.bytes.map((bytes) => [...bytes])).toEqual([[32, 72, 105], [10], [0xc3, 0xbc]]);
});

test.each([embeddedModel, mergedModel])("what the tokens of $name spell is what they decode to", async ({ load }) => {
  const model = await load();
  const { bytes, specialIds } = model.vocabulary();
  for (const text of ["Once upon a time", "Ünï — 中文 🙂\n\ttab"]) {
    const ids = await model.encode(text, false);
    const spelled = ids.flatMap((id) => [...(bytes[id] ?? [])]);
    expect(new TextDecoder().decode(Uint8Array.from(spelled))).toBe(model.decode(ids));
  }
  expect(specialIds).toEqual(expect.arrayContaining([...model.endTokenIds]));
});

test("what a token spells is what it adds to a text that is there already, in every kind of vocabulary", async () => {
  for (const load of EACH_KIND) {
    const { vocabulary, decode, card } = await load();
    const { bytes } = vocabulary();
    const start = bytes.findIndex((one) => ["h", " h", " hello"].includes(new TextDecoder().decode(one)));
    const end = bytes.findIndex((one) => ["!", " !", "! "].includes(new TextDecoder().decode(one)));
    const spelled = (ids: number[]) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids.flatMap((id) => [...bytes[id]!])));
    bytes.forEach((_, id) => {
      const ids = [start, id, end];
      expect(spelled(ids).trim(), `${card.name} ${id}`).toBe(decode(ids, true).trim());
    });
  }
});

test("control tokens of a byte-level vocabulary spell what they are called, whatever characters that has", async () => {
  const { vocabulary, encode, decode } = await EACH_KIND[0]!();
  const [id = -1, ...others] = await encode("<｜end▁of▁line｜>", false);
  expect(others).toEqual([]);
  expect(decode([id], true)).toBe("<｜end▁of▁line｜>");
  expect(new TextDecoder().decode(vocabulary().bytes[id])).toBe("<｜end▁of▁line｜>");
});
