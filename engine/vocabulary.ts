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

/** How a tokenizer writes its entries. */
export interface Spelling {
  /** Bytes as GPT-2 does; else as SentencePiece: `▁` is a space, `<0x0A>` a byte. */
  readonly byteLevel: boolean;
  /** What the end of a word is marked with, such as `</w>`: a space is there. */
  readonly wordEnd?: string | undefined;
  /** What goes on with a word is marked with, such as `##`: a space is before all else. */
  readonly wordPart?: string | undefined;
  /** Entries that stand for themselves. */
  readonly literal?: ReadonlySet<string>;
}

/** A vocabulary's entry as the bytes that it adds to a text. */
function tokenBytes(entry: string, { byteLevel, wordEnd, wordPart, literal }: Spelling): Uint8Array {
  if (literal?.has(entry)) return utf8.encode(entry);
  if (wordPart) return utf8.encode(entry.startsWith(wordPart) ? entry.slice(wordPart.length) : ` ${entry}`);
  const spaced = wordEnd ? entry.replaceAll(wordEnd, " ") : entry;
  if (byteLevel) return Uint8Array.from([...spaced].flatMap((char) => BYTE_OF.get(char) ?? [...utf8.encode(char)]));
  const byte = /^<0x([0-9A-F]{2})>$/i.exec(spaced)?.[1];
  return byte ? Uint8Array.of(Number.parseInt(byte, 16)) : utf8.encode(spaced.replaceAll("▁", " "));
}

/** A tokenizer's entries by token id. Ids that it leaves out spell nothing. */
export function vocabularyOf(
  entries: Iterable<readonly [entry: string, tokenId: number]>,
  specialIds: readonly number[],
  spelling: Spelling,
): Vocabulary {
  const bytes: Uint8Array[] = [];
  for (const [entry, tokenId] of entries) bytes[tokenId] = tokenBytes(entry, spelling);
  return { bytes: Array.from(bytes, (one) => one ?? new Uint8Array()), specialIds };
}
