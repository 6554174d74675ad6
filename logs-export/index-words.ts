import { createWordIndex } from "../core/log/word-index.ts";
import { textsOf, WORD_RULES } from "../core/log/words.ts";
import { randomId } from "../core/random-id.ts";
import { lineOf } from "./seals.ts";
import { firstKeyOf, isIndexed, rowsOf, segmentOf } from "./segments.ts";
import { type Database, type Row, SIZE, VAULT } from "./tables.ts";

/** After a write, so that whatever else is written at once goes first. */
const LATER_MS = 1_000;
/** Rows read in one transaction: a write waits for no more than these. */
const AT_ONCE = 128;

/** Indexes words in the background, some time after it was asked to. */
export function createIndexer(): (db: Database) => void {
  let isAsked = false;
  let indexing = Promise.resolve();
  return (db) => {
    if (isAsked) return;
    isAsked = true;
    setTimeout(() => {
      indexing = indexing
        .then(() => {
          isAsked = false; // what is written from here on may come too late for this time
          return indexWords(db);
        })
        .catch(() => {}); // it is tried again
    }, LATER_MS);
  };
}

/** All segments to which no more rows come. Whoever dies on the way leaves some of them to be indexed later. */
async function indexWords(db: Database): Promise<void> {
  const tx = db.transaction(["size", "segments", "logs", "keys"]);
  const [vault, size, segments, first] = await Promise.all([
    tx.objectStore("keys").get(VAULT),
    tx.objectStore("size").get(SIZE),
    tx.objectStore("segments").getAll(),
    tx.objectStore("logs").openKeyCursor(),
  ]);
  if (vault) return; // words would tell what is sealed
  const oldest = first?.key ?? 0;
  const indexed = new Set(segments.filter(isIndexed).map(({ segment }) => segment));
  for (let segment = segmentOf(oldest); segment < segmentOf((size?.lastKey ?? 0) + 1); segment++) {
    // Limits delete the oldest records one by one: they are not worth it any more.
    const isShrinking = oldest > Math.max(firstKeyOf(segment), 1);
    if (!indexed.has(segment) && !isShrinking) await indexSegment(db, segment);
  }
}

/** The claim goes when a record changes meanwhile, or another tab claims the segment: what was read is not stored then. */
async function indexSegment(db: Database, segment: number): Promise<void> {
  const claim = randomId();
  await db.put("segments", { segment, claim, fromNs: "", toNs: "", rows: 0, unread: [] });
  const index = createWordIndex();
  const unread: number[] = [];
  const times: string[] = [];
  for await (const rows of rowsOf(db, segment, AT_ONCE)) {
    for (const { key, row } of rows) {
      const place = key - firstKeyOf(segment);
      times.push(row.record.timestamp_ns ?? "");
      const record = isSettled(row) && lineOf(row).readable;
      if (record) index.add(place, textsOf(record));
      else unread.push(place);
    }
  }
  times.sort();
  const tx = db.transaction(["segments", "words"], "readwrite");
  const now = await tx.objectStore("segments").get(segment);
  if (now?.claim === claim) {
    const [fromNs = "", toNs = ""] = [times[0], times.at(-1)];
    await tx
      .objectStore("segments")
      .put({ segment, claim: null, fromNs, toNs, rows: times.length, unread, rules: WORD_RULES });
    for (const [shard, postings] of index.postings().entries()) {
      await tx.objectStore("words").put({ shard, segment, ...postings });
    }
  }
  await tx.done;
}

/** Whether its words are all there, to be read. What is not is looked at by every query. */
const isSettled = (row: Row): boolean => row.owner === undefined && !row.sealed;
