import { wordsOf } from "./words.ts";

/** A segment's words are in so many parts: a query reads the one of each of its words. */
export const SHARDS = 16;

/** Where the words of a shard occur. */
export interface Postings {
  /** Of the words, rising. */
  readonly hashes: Uint32Array;
  /** Where the places of each of them end. */
  readonly ends: Uint32Array;
  /** Within the segment, rising for each word. */
  readonly places: Uint16Array;
}

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. Words may share a hash: whoever finds a record reads it. */
export function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export const shardOf = (hash: number): number => hash % SHARDS;

/** Collects the words of a segment, whose places come in rising order. */
export function createWordIndex() {
  const found = Array.from({ length: SHARDS }, () => new Map<number, number[]>());
  return {
    add(place: number, text: string): void {
      for (const word of wordsOf(text)) {
        const hash = hashOf(word);
        const shard = found[shardOf(hash)]!;
        const places = shard.get(hash);
        if (!places) shard.set(hash, [place]);
        else if (places.at(-1) !== place) places.push(place);
      }
    },
    /** By shard. */
    postings: (): Postings[] => found.map(pack),
  };
}

function pack(found: ReadonlyMap<number, readonly number[]>): Postings {
  const hashes = Uint32Array.from(found.keys()).sort();
  const lists = Array.from(hashes, (hash) => found.get(hash) ?? []);
  let end = 0;
  const ends = Uint32Array.from(lists, ({ length }) => (end += length));
  const places = new Uint16Array(end);
  for (const [at, list] of lists.entries()) places.set(list, ends[at]! - list.length);
  return { hashes, ends, places };
}

/** Where a word of this hash occurs. */
export function placesOf({ hashes, ends, places }: Postings, hash: number): Uint16Array {
  let from = 0;
  let to = hashes.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (hashes[middle]! < hash) from = middle + 1;
    else to = middle;
  }
  return hashes[from] === hash ? places.subarray(from && ends[from - 1], ends[from]) : places.subarray(0, 0);
}

/** What is in all of these rising lists. */
export const inAll = (lists: readonly Uint16Array[]): Uint16Array =>
  lists.toSorted((a, b) => a.length - b.length).reduce(inBoth);

function inBoth(a: Uint16Array, b: Uint16Array): Uint16Array {
  let at = 0;
  return a.filter((place) => {
    while (b[at]! < place) at++;
    return b[at] === place;
  });
}
