import fc from "fast-check";
import { expect, test } from "vitest";
import { schemas } from "../../tests/fixtures/random-schemas.ts";
import { atOnce } from "../in-slices.ts";
import { byteText } from "./byte-text.ts";
import { startOf } from "./grammar.ts";
import type { State } from "./state.ts";
import { createTokenMask } from "./token-mask.ts";

const texts = [
  "",
  "ab",
  "abc",
  '"',
  '":',
  '": "',
  '", "',
  "{}",
  "[[",
  "]]",
  "12",
  "1.5",
  "-",
  "null",
  "true",
  "é",
  "日本",
  "\\u00",
];
const VOCABULARY: readonly Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...texts.map((text) => new TextEncoder().encode(text)),
  Uint8Array.of(0xe6, 0x97),
  Uint8Array.of(0xa5, 0x22),
];
const SPECIAL = new Set([256, 10, VOCABULARY.length - 3]);

const after = (start: State, bytes: Uint8Array): State | null =>
  bytes.reduce<State | null>((state, byte) => state?.step(byte) ?? null, start);

test("the mask allows the tokens whose bytes the grammar allows, and no special ones", () => {
  const maskOf = createTokenMask(VOCABULARY.map((bytes, id) => (SPECIAL.has(id) ? "" : byteText(bytes))));
  fc.assert(
    fc.property(schemas, fc.infiniteStream(fc.nat()), (schema, choices) => {
      let state: State | null = startOf(schema);
      for (let count = 0; state && count < 20; count++) {
        const mask: Uint8Array = atOnce(maskOf(state));
        VOCABULARY.forEach((bytes, id) => {
          const allowed = bytes.length > 0 && !SPECIAL.has(id) && after(state!, bytes) !== null;
          if (mask[id] !== (allowed ? 1 : 0)) expect([id, mask[id]]).toEqual([id, allowed ? 1 : 0]);
        });
        const allowed = VOCABULARY.filter((_, id) => mask[id] === 1);
        state = allowed.length === 0 ? null : after(state, allowed[choices.next().value % allowed.length]!);
      }
    }),
  );
});
