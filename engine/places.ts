import { createDetokeniser } from "./detokenise.ts";
import type { TextModel } from "./model.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const LONGEST_CHARACTER = 4;

export const codePoints = (text: string): number => [...text].length;

/** Tells of each token where it begins in the text that they make, and takes the text that it settled. */
export type Placer = (fresh: string, bytes: ArrayLike<number>) => number;

/**
 * In code points. A token that goes on with a character begins where that does; texts alone do not tell, since one that
 * is held back looks like any other that is no text, and so does U+FFFD itself.
 *
 * @param from code points of what the text goes on from
 */
export function createPlacer(from = 0): Placer {
  let settled = from;
  /** The last bytes, where a character may be under way. */
  let end: number[] = [];
  const textOf = (bytes: readonly number[]) => utf8.decode(Uint8Array.from(bytes));
  return (fresh, bytes) => {
    const before = textOf(end);
    const isHeld = before.endsWith("\uFFFD");
    const goesOn = isHeld && codePoints(textOf([...end, ...Array.from(bytes).slice(0, 1)])) === codePoints(before);
    const place = settled + (isHeld && !goesOn ? 1 : 0);
    settled += codePoints(fresh);
    end = [...end, ...Array.from(bytes)].slice(-LONGEST_CHARACTER);
    return place;
  };
}

/** Where the tokens of a prompt begin in its text. Control tokens have a place in it only where they are spelled out. */
export function* placesIn(text: string, tokenIds: readonly number[], model: TextModel): Generator<void, number[]> {
  const { bytes, specialIds } = model.vocabulary();
  const detokeniser = createDetokeniser((ids) => model.decode(ids));
  const place = createPlacer();
  const special = new Set(specialIds);
  const length = codePoints(text);
  let at = 0;
  const places: number[] = [];
  for (const id of tokenIds) {
    const own = bytes[id] ?? new Uint8Array();
    const spelled = utf8.decode(own);
    const isControl = special.has(id);
    const fresh = !isControl ? detokeniser.push(id) : text.startsWith(spelled, at) ? spelled : "";
    at += fresh.length;
    places.push(Math.min(place(fresh, isControl ? [] : own), length));
    yield;
  }
  return places;
}
