/** A record as a link: the hash of its predecessor, and its own. */
export interface Link {
  readonly prev: string;
  readonly hash: string;
}

/** What the first record of all has in place of a predecessor's hash. */
export const GENESIS = "0".repeat(64);

/**
 * A chain of records, of which any part may have been deleted on purpose, and to which parts of other chains may have been
 * added. In a log that nobody tampered with, the hashes of all records and `starts` are, each as often, the `prev_hash` of
 * all records and `heads`.
 */
export interface Chain {
  /** What the next record that ends here will name. */
  readonly last: string;
  /** Hashes that records name and no record has: of what was deleted, or of what an import began behind. */
  readonly starts: readonly string[];
  /** Hashes that records have and no record names. */
  readonly heads: readonly string[];
}

export const NO_CHAIN: Chain = { last: GENESIS, starts: [], heads: [] };

export interface Change {
  readonly added?: readonly Link[];
  readonly removed?: readonly Link[];
}

/** The chain with more links and fewer: whatever loses its neighbour is an end from now on. */
export function relink(chain: Chain, { added = [], removed = [] }: Change): Chain {
  let { last } = chain;
  const starts = [...chain.starts];
  const heads = [...chain.heads];
  for (const { prev, hash } of added) {
    if (!take(heads, prev)) starts.push(prev);
    if (!take(starts, hash)) heads.push(hash);
    if (prev === last) last = hash;
  }
  for (const { prev, hash } of removed) {
    if (!take(starts, prev)) heads.push(prev);
    if (!take(heads, hash)) starts.push(hash);
    if (hash === last) last = prev;
  }
  return { last, starts, heads };
}

function take(values: string[], value: string): boolean {
  const place = values.lastIndexOf(value);
  if (place === -1) return false;
  values.splice(place, 1);
  return true;
}

export interface Break {
  /** Of the first record that does not fit. */
  readonly id: string;
  readonly timestamp: string;
  readonly problem: "predecessor" | "successor";
}

interface Linked extends Link {
  readonly id: string;
  readonly timestamp: string;
}

/** Feed it all records by time. In memory are those alone whose neighbours have not come yet. */
export function createVerifier({ starts, heads }: Chain) {
  /** Hashes that a record is to name still, and those that a record is to have. */
  const unnamed = new Map<string, (Linked & { place: number })[]>();
  const missing = new Map<string, (Linked & { place: number })[]>();
  const openStarts = [...starts];
  const openHeads = [...heads];
  let place = 0;

  return {
    add(link: Linked): void {
      const one = { ...link, place: place++ };
      if (!pop(unnamed, link.prev)) push(missing, link.prev, one);
      if (!pop(missing, link.hash)) push(unnamed, link.hash, one);
    },
    /** `null`: nothing is broken. A hash of nobody: the last records are missing. */
    end(): Break | { readonly id: null; readonly problem: "end" } | null {
      const left = [
        ...rest(missing, openStarts).map((one) => ({ ...one, problem: "predecessor" as const })),
        ...rest(unnamed, openHeads).map((one) => ({ ...one, problem: "successor" as const })),
      ];
      const first = left.toSorted((a, b) => a.place - b.place)[0];
      if (first) return { id: first.id, timestamp: first.timestamp, problem: first.problem };
      const isPaired = openStarts.toSorted().join() === openHeads.toSorted().join();
      return isPaired ? null : { id: null, problem: "end" };
    },
  };
}

function pop<T>(map: Map<string, T[]>, key: string): boolean {
  const values = map.get(key);
  if (!values?.pop()) return false;
  if (values.length === 0) map.delete(key);
  return true;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

/** Those whose hash is no end. */
const rest = <T>(map: Map<string, T[]>, ends: string[]): T[] =>
  [...map].flatMap(([hash, values]) => values.filter(() => !take(ends, hash)));
