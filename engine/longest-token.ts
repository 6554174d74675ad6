import type { Normalizer, Tokenizer } from "./tokenizer.ts";

const utf8 = new TextEncoder();

/**
 * How many bytes of a text a token stands for at most, by what each token spells; `null` where nobody can say: a
 * normaliser may make a text shorter, an unknown token stands for any text, and some added tokens take white space along.
 */
export function longestToken(tokenizer: Tokenizer, spelled: readonly Uint8Array[]): number | null {
  const { added_tokens } = tokenizer;
  const isWhole =
    keepsLength(tokenizer.tokenizer.normalizer) &&
    !tokenizer.remove_space &&
    !added_tokens.some(({ lstrip, rstrip }) => lstrip || rstrip) &&
    spellsEverything(tokenizer);
  if (!isWhole) return null;
  const lengths = [...spelled, ...added_tokens.map(({ content }) => utf8.encode(content))].map(({ length }) => length);
  return lengths.reduce((longest, length) => Math.max(longest, length), 1);
}

/** Whatever it does, it writes no less than it read. */
function keepsLength(normalizer: Normalizer | null): boolean {
  if (!normalizer || normalizer.type === "Prepend") return true;
  const { type, normalizers = [], pattern, content = "" } = normalizer;
  if (type === "Sequence") return normalizers.every(keepsLength);
  return type === "Replace" && pattern?.String === " " && content === "▁"; // which the vocabulary spells as a space
}

/** All bytes that occur in UTF-8. */
const ALL_BYTES = [
  ...Array.from({ length: 0x800 }, (_, code) => code),
  ...Array.from({ length: 16 }, (_, lead) => Math.max(0x800, lead << 12)),
  ...[0x10000, 0x40000, 0x80000, 0xc0000, 0x100000],
]
  .map((code) => String.fromCodePoint(code))
  .join("");

/** Nothing is dropped, and each byte has a token of its own. */
function spellsEverything({ pre_tokenizer, model }: Tokenizer): boolean {
  const read = pre_tokenizer?.(ALL_BYTES, {}).join("") ?? ALL_BYTES;
  const isToken = (token: string) => model.tokens_to_ids.has(token);
  if (!model.byte_fallback) return read.length >= utf8.encode(ALL_BYTES).length && [...read].every(isToken);
  return read.length >= ALL_BYTES.length && Array.from({ length: 256 }, (_, byte) => byteToken(byte)).every(isToken);
}

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
