import { SHARDS } from "../core/log/word-index.ts";
import { WORD_RULES } from "../core/log/words.ts";
import type { Database, SegmentRow, Upgradable } from "./tables.ts";

/** Keys of `logs` whose words are indexed together. */
const KEYS = 512;

export const segmentOf = (key: number): number => Math.floor(key / KEYS);
export const firstKeyOf = (segment: number): number => segment * KEYS;

/** Whether a query for words finds in it what it looks for. */
export const isIndexed = ({ claim, rules }: SegmentRow): boolean => claim === null && rules === WORD_RULES;

/** One of its records was deleted, or will be another: nothing of its words stays, and it is read until it is indexed anew. */
export async function dropWords(tx: Upgradable, segment: number): Promise<void> {
  if ((await tx.objectStore("segments").getKey(segment)) === undefined) return;
  await tx.objectStore("segments").delete(segment);
  const shards = Array.from({ length: SHARDS }, (_, shard) => tx.objectStore("words").delete([shard, segment]));
  await Promise.all(shards);
}

/** Its rows with their keys, some at a time. */
export async function* rowsOf(db: Database, segment: number, atOnce: number) {
  const end = firstKeyOf(segment + 1);
  for (let from = firstKeyOf(segment); from < end; ) {
    const store = db.transaction("logs").store;
    const range = IDBKeyRange.bound(from, end, false, true);
    const [keys, rows] = await Promise.all([store.getAllKeys(range, atOnce), store.getAll(range, atOnce)]);
    yield rows.map((row, at) => ({ key: keys[at]!, row }));
    from = (keys.at(-1) ?? end) + 1;
  }
}
