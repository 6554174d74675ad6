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

/** The chain with more links and fewer, change by change: whatever loses its neighbour is an end from now on. */
export function relink(chain: Chain, ...changes: readonly Change[]): Chain {
  let { last } = chain;
  const starts = bagOf(chain.starts);
  const heads = bagOf(chain.heads);
  for (const { added = [], removed = [] } of changes) {
    for (const link of added) {
      if (!take(heads, link.prev)) put(starts, link.prev);
      if (!take(starts, link.hash)) put(heads, link.hash);
      last = lastWith(last, link);
    }
    for (const link of removed) {
      if (!take(starts, link.prev)) put(heads, link.prev);
      if (!take(heads, link.hash)) put(starts, link.hash);
      last = lastWithout(last, link);
    }
  }
  return { last, starts: listOf(starts), heads: listOf(heads) };
}

export const lastWith = (last: string, { prev, hash }: Link): string => (prev === last ? hash : last);
export const lastWithout = (last: string, { prev, hash }: Link): string => (hash === last ? prev : last);

/** Values, and how often each is there: as many as a log has ends, each found at once. */
type Bag = Map<string, number>;

function bagOf(values: readonly string[]): Bag {
  const bag: Bag = new Map();
  for (const value of values) put(bag, value);
  return bag;
}

const put = (bag: Bag, value: string): unknown => bag.set(value, (bag.get(value) ?? 0) + 1);

function take(bag: Bag, value: string): boolean {
  const count = bag.get(value) ?? 0;
  if (count > 1) bag.set(value, count - 1);
  else bag.delete(value);
  return count > 0;
}

const listOf = (bag: Bag): string[] => [...bag].flatMap(([value, count]) => new Array<string>(count).fill(value));

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
  const openStarts = bagOf(starts);
  const openHeads = bagOf(heads);
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
      const isPaired = listOf(openStarts).sort().join() === listOf(openHeads).sort().join();
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
const rest = <T>(map: Map<string, T[]>, ends: Bag): T[] =>
  [...map].flatMap(([hash, values]) => values.filter(() => !take(ends, hash)));
