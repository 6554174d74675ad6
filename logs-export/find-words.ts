import type { LogQuery } from "../core/log/log-query.ts";
import { hashOf, inAll, type Postings, placesOf, shardOf } from "../core/log/word-index.ts";
import { firstKeyOf, isIndexed, segmentOf } from "./segments.ts";
import { type Database, SIZE } from "./tables.ts";

/** Words that are looked for, the longest: what is found is read anyway. */
const WORDS = 4;
/** Where one record in so many has the words, reading by time finds them sooner. */
const RARE = 20;
/** Segments that are looked at first: where words are frequent in them, they hold all that is wanted. */
const SAMPLE = 4;
/** More segments without words than these are not read to answer one query. */
const UNINDEXED = 16;
/** From so many on, all rows of a segment are read at once. */
const MANY = 128;

/** Rows of a segment that may have the words, and between which times they are. */
export interface Part {
  readonly segment: number;
  readonly fromNs: string;
  readonly toNs: string;
  /** `null`: any of them. */
  readonly keys: readonly number[] | null;
}

/** Digits come before letters. */
const ANY = { fromNs: "", toNs: "a", keys: null };

/** What a query for words has to read, in its order; `null`: it had better read all there is by time. */
export async function partsWith(db: Database, query: LogQuery): Promise<readonly Part[] | null> {
  const { words, fromNs, toNs, after, order, limit } = query;
  const hashes = words
    .toSorted((a, b) => b.length - a.length)
    .slice(0, WORDS)
    .map(hashOf);
  const tx = db.transaction(["size", "logs", "segments", "words"]);
  const [size, oldest, segments] = await Promise.all([
    tx.objectStore("size").get(SIZE),
    tx.objectStore("logs").openKeyCursor(),
    tx.objectStore("segments").getAll(),
  ]);
  const first = after && order === "asc" ? after.ns : (fromNs ?? "");
  const last = after && order === "desc" ? after.ns : (toNs ?? ANY.toNs);
  const byTime = (a: Times, b: Times) => (order === "asc" ? compare(a.fromNs, b.fromNs) : compare(b.toNs, a.toNs));
  const indexed = segments.filter(isIndexed);
  const inTime = indexed.filter((one) => one.toNs >= first && one.fromNs <= last).sort(byTime);

  const sample = inTime.slice(0, SAMPLE);
  const lists = await Promise.all(sample.map(({ segment }) => listsIn(tx.objectStore("words"), segment, hashes)));
  const found = sum(lists.map((places) => inAll(places).length));
  if (found >= limit && isFrequent(found, sample)) return null;

  const countOf = (at: number): number => sum(lists.map((places) => places[at]!.length));
  const rarestFirst = [...hashes.keys()].sort((a, b) => countOf(a) - countOf(b)).map((at) => hashes[at]!);
  const places = await placesWith(tx.objectStore("words"), rarestFirst);
  const parts = inTime.map(({ segment, fromNs, toNs, unread }) => {
    const keys = [...(places.get(segment) ?? []), ...unread].map((place) => firstKeyOf(segment) + place);
    return { segment, fromNs, toNs, keys };
  });
  if (isFrequent(sum(parts.map(({ keys }) => keys.length)), inTime)) return null;
  const known = new Set(indexed.map(({ segment }) => segment));
  const others: Part[] = [];
  for (let segment = segmentOf(oldest?.key ?? 0); segment <= segmentOf(size?.lastKey ?? 0); segment++) {
    if (!known.has(segment)) others.push({ segment, ...ANY });
  }
  if (others.length > UNINDEXED) return null;
  const worth = parts.filter(({ keys }) => keys.length > 0);
  return [...worth.map((part) => (part.keys.length < MANY ? part : { ...part, keys: null })), ...others].sort(byTime);
}

/** Which of a segment's rows may have each of the words. */
async function listsIn(words: Words, segment: number, hashes: readonly number[]): Promise<readonly Uint16Array[]> {
  const rows = await Promise.all(hashes.map((hash) => words.get([shardOf(hash), segment])));
  return hashes.map((hash, at) => placesOf(rows[at]!, hash));
}

/** By segment, the rows that may have all of the words. Those behind a word that none has are not read. */
async function placesWith(words: Words, hashes: readonly number[]): Promise<ReadonlyMap<number, Uint16Array>> {
  let found = new Map<number, Uint16Array>();
  for (const [turn, hash] of hashes.entries()) {
    const lists = (await words.getAll(inShard(shardOf(hash)))).map((row) => {
      const places = placesOf(row, hash);
      return [row.segment, turn === 0 ? places : inAll([found.get(row.segment) ?? NONE, places])] as const;
    });
    found = new Map(lists.filter(([, places]) => places.length > 0));
    if (found.size === 0) break;
  }
  return found;
}

const NONE = new Uint16Array();

interface Words {
  get(key: [shard: number, segment: number]): Promise<Postings | undefined>;
  getAll(range: IDBKeyRange): Promise<(Postings & { readonly segment: number })[]>;
}
type Times = Pick<Part, "fromNs" | "toNs">;

/** Of these segments' rows, to be read by time. */
const isFrequent = (found: number, among: readonly { readonly rows: number }[]): boolean =>
  found * RARE >= sum(among.map(({ rows }) => rows));

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
const inShard = (shard: number) => IDBKeyRange.bound([shard, 0], [shard, Number.MAX_SAFE_INTEGER]);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
