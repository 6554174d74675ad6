/** What every token of a model spells, in bytes. */
export interface Vocabulary {
  /** By token id. */
  readonly bytes: readonly Uint8Array[];
  /** Tokens that are no text: end of text and the like. */
  readonly specialIds: readonly number[];
}

const utf8 = new TextEncoder();

/** The bytes behind GPT-2's printable stand-ins. https://github.com/openai/gpt-2/blob/master/src/encoder.py */
const BYTE_OF = new Map(
  (() => {
    const visible = (byte: number) =>
      (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    let extra = 256;
    return Array.from({ length: 256 }, (_, byte) => [
      String.fromCharCode(visible(byte) ? byte : extra++),
      byte,
    ]) as Array<[string, number]>;
  })(),
);

/**
 * A vocabulary's entry as bytes.
 *
 * @param byteLevel the tokenizer writes bytes as GPT-2 does; else as SentencePiece: `▁` is a space, `<0x0A>` a byte
 */
function tokenBytes(entry: string, byteLevel: boolean): Uint8Array {
  if (byteLevel) return Uint8Array.from([...entry].flatMap((char) => BYTE_OF.get(char) ?? [...utf8.encode(char)]));
  const byte = /^<0x([0-9A-F]{2})>$/i.exec(entry)?.[1];
  return byte ? Uint8Array.of(Number.parseInt(byte, 16)) : utf8.encode(entry.replaceAll("▁", " "));
}

/** A tokenizer's entries by token id. Ids that it leaves out spell nothing. */
export function vocabularyOf(
  entries: Iterable<readonly [entry: string, tokenId: number]>,
  specialIds: readonly number[],
  byteLevel: boolean,
): Vocabulary {
  const bytes: Uint8Array[] = [];
  for (const [entry, tokenId] of entries) bytes[tokenId] = tokenBytes(entry, byteLevel);
  return { bytes: Array.from(bytes, (one) => one ?? new Uint8Array()), specialIds };
}
