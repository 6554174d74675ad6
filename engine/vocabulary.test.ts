import { expect, test } from "vitest";
import { embeddedModel, mergedModel } from "../tests/fixtures/node-model.ts";
import { vocabularyOf } from "./vocabulary.ts";

test("`vocabularyOf()` reads GPT-2's stand-ins, SentencePiece's spaces and bytes, and gaps", () => {
  const gpt2 = vocabularyOf(
    [
      ["ĠHi", 1],
      ["Ċ", 0],
      ["Ã¼", 3],
    ],
    [9],
    true,
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
    false,
  );
  expect(sentencePiece.bytes.map((bytes) => [...bytes])).toEqual([[32, 72, 105], [10], [0xc3, 0xbc]]);
});

test.each([embeddedModel, mergedModel])("what the tokens of $name spell is what they decode to", async ({ load }) => {
  const model = await load();
  const { bytes, specialIds } = model.vocabulary();
  for (const text of ["Once upon a time", "Ünï — 中文 🙂\n\ttab"]) {
    const ids = model.encode(text, false);
    const spelled = ids.flatMap((id) => [...(bytes[id] ?? [])]);
    expect(new TextDecoder().decode(Uint8Array.from(spelled))).toBe(model.decode(ids));
  }
  expect(specialIds).toEqual(expect.arrayContaining([...model.endTokenIds]));
});
