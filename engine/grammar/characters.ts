import type { ByteText } from "./byte-text.ts";

/** What is left of a character of a JSON string, of which some bytes have been written. */
export interface Character {
  /** Which bytes may come next, and what is left after them. */
  readonly next: ReadonlyMap<number, Character>;
  /** The fewest bytes that complete it. */
  readonly ending: ByteText;
}

export const WHOLE: Character = { next: new Map(), ending: "" };

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index)).join("");

const HEX = "0123456789abcdefABCDEF";
const MORE = range(0x80, 0xbf);

/** Ways to write a character, byte by byte. https://www.rfc-editor.org/rfc/rfc3629#section-4 */
const PLAIN: ReadonlyArray<readonly string[]> = [
  [range(0x20, 0x7f).replace(/["\\]/g, "")],
  [range(0xc2, 0xdf), MORE],
  ["\xe0", range(0xa0, 0xbf), MORE],
  ["\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xee\xef", MORE, MORE],
  ["\xed", range(0x80, 0x9f), MORE],
  ["\xf0", range(0x90, 0xbf), MORE, MORE],
  ["\xf1\xf2\xf3", MORE, MORE, MORE],
  ["\xf4", range(0x80, 0x8f), MORE, MORE],
];

/** https://www.rfc-editor.org/rfc/rfc8259#section-7, but a surrogate only with its other half. */
const ESCAPED: ReadonlyArray<readonly string[]> = [
  ["\\", '"\\/bfnrt'],
  ["\\", "u", HEX.replace(/d/i, "").replace("D", ""), HEX, HEX, HEX],
  ["\\", "u", "dD", "01234567", HEX, HEX],
  ["\\", "u", "dD", "89abAB", HEX, HEX, "\\", "u", "dD", "cdefCDEF", HEX, HEX],
];

const trees = new Map<string, Character>();

/** The ways that begin alike, put together. */
function treeOf(ways: ReadonlyArray<readonly string[]>): Character {
  if (ways.some((way) => way.length === 0)) return WHOLE;
  const key = JSON.stringify(ways);
  let tree = trees.get(key);
  if (!tree) {
    const next = new Map<number, Character>();
    let ending: ByteText | null = null;
    for (const char of new Set(ways.flatMap(([first = ""]) => [...first]))) {
      const rest = treeOf(ways.filter(([first = ""]) => first.includes(char)).map((way) => way.slice(1)));
      next.set(char.charCodeAt(0), rest);
      if (ending === null || rest.ending.length + 1 < ending.length) ending = char + rest.ending;
    }
    tree = { next, ending: ending ?? "" };
    trees.set(key, tree);
  }
  return tree;
}

/** Any character of a JSON string. */
export const CHARACTER = treeOf([...PLAIN, ...ESCAPED]);

/** Any that is written as itself. */
export const PLAIN_CHARACTER = treeOf(PLAIN);
