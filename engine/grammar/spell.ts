import type { ByteText } from "./byte-text.ts";

/** Bytes → the fewest tokens that spell them; `null` if none do. */
export type Speller = (bytes: ByteText) => readonly number[] | null;

/** Longer tokens are not looked for. */
const LONGEST = 16;

/** @param texts of the tokens; "" is not used */
export function createSpeller(texts: readonly ByteText[]): Speller {
  const ids = new Map<ByteText, number>();
  texts.forEach((text, id) => {
    if (text.length > 0 && text.length <= LONGEST) ids.set(text, id);
  });
  // By how many bytes are left: how many tokens they take, and how long the first of them is. What is asked for next
  // mostly ends as the last did, and what that takes is known.
  let last: ByteText = "";
  const counts = [0];
  const sizes = [0];
  return (bytes) => {
    for (let left = sharedEnd(bytes, last) + 1; left <= bytes.length; left++) {
      const at = bytes.length - left;
      counts[left] = Infinity;
      for (let size = Math.min(LONGEST, left); size > 0; size--) {
        const count = counts[left - size]! + 1;
        if (count >= counts[left]! || !ids.has(bytes.slice(at, at + size))) continue;
        counts[left] = count;
        sizes[left] = size;
      }
    }
    last = bytes;
    if (counts[bytes.length] === Infinity) return null;
    const spelled: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = sizes[bytes.length - at]!;
      spelled.push(ids.get(bytes.slice(at, at + size))!);
      at += size;
    }
    return spelled;
  };
}

function sharedEnd(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++;
  return length;
}
