import { fromGenerator } from "../core/from-generator.ts";
import type { LogLine } from "../core/log/log-line.ts";
import { type LogQuery, matches, placeOf } from "../core/log/log-query.ts";
import type { Opener } from "../core/vault/opener.ts";
import { partsWith } from "./find-words.ts";
import { readParts } from "./read-parts.ts";
import { lineOf, openRow } from "./seals.ts";
import { type Database, type Row, SIZE } from "./tables.ts";

/** Read at a time: a transaction must not stay open while a reader sleeps, and all of them are in memory. */
const PAGE_BYTES = 512 * 1024;
const MOST_ROWS = 1024;

/** What a query finds, by an index: of words that are rare, else of the model if it names one, else of the time. */
export const readPages = (open: Open, openerOf: OpenerOf, query: LogQuery): ReadableStream<readonly LogLine[]> =>
  fromGenerator(pages(open, openerOf, query));

type Open = () => Promise<Database>;
/** See `StoreVault`. */
type OpenerOf = (db: Database) => Promise<Opener | null>;

async function* pages(open: Open, openerOf: OpenerOf, asked: LogQuery): AsyncGenerator<readonly LogLine[], void> {
  const db = await open();
  const opener = await openerOf(db);
  const parts = asked.words.length > 0 && !opener ? await partsWith(db, asked) : null;
  if (parts) return yield* readParts(db, parts, asked);
  // Nobody sees the model of a record that is sealed.
  const query = opener ? { ...asked, model: null } : asked;
  const { mode, finishReason, words } = asked;
  /** By the index: what is only copied is not parsed. */
  const isDecided = query === asked && mode === null && finishReason === null && words.length === 0;
  const most = await rowsPerPage(db);
  let { limit } = query;
  let count = Math.min(limit, most);
  for (let page = pageOf(db, query, count); ; ) {
    const rows = await page;
    if (rows.length === 0) return;
    if (opener) await openerOf(db); // it may have been locked since
    const lines = opener ? await Promise.all(rows.map((row) => openRow(opener, row))) : rows.map(lineOf);
    const found = (isDecided ? lines : lines.filter(({ record }) => matches(record, asked))).slice(0, limit);
    limit -= found.length;
    if (limit <= 0) return yield found;
    count = Math.min(2 * count, most); // few are wanted still, or few of many fit
    page = pageOf(db, { ...query, after: placeOf(lines.at(-1)!.record) }, count); // while this one is written
    page.catch(() => {}); // it is told when it is read, if it is
    if (found.length > 0) yield found;
  }
}

/** By the size of an average record. */
async function rowsPerPage(db: Database): Promise<number> {
  const { records = 0, bytes = 0 } = (await db.get("size", SIZE)) ?? {};
  return Math.min(MOST_ROWS, Math.ceil((PAGE_BYTES * records) / bytes) || 1);
}

async function pageOf(db: Database, query: LogQuery, count: number): Promise<readonly Row[]> {
  const index = db.transaction("logs").store.index(query.model === null ? "time" : "model");
  const range = rangeOf(query);
  if (range === null) return [];
  if (query.order === "asc") return index.getAll(range, count);
  if ("getAllRecords" in IDBIndex.prototype) return index.getAll({ query: range, count, direction: "prev" } as never);
  const rows: Row[] = [];
  for (let cursor = await index.openCursor(range, "prev"); cursor; cursor = await cursor.continue()) {
    rows.push(cursor.value);
    if (rows.length === count) break;
  }
  return rows;
}
/** `null`: there is nothing between its ends. */
function rangeOf({ model, fromNs, toNs, after, order }: LogQuery): IDBKeyRange | null {
  const key = (ns: string, id: string) => (model === null ? [ns, id] : [model, ns, id]);
  const behind = after && key(after.ns, after.id);
  const first = key(fromNs ?? "", "");
  const end = key(toNs ?? AFTER_ALL, "");
  const lower = behind && order === "asc" && indexedDB.cmp(behind, first) > 0 ? behind : first;
  const upper = behind && order === "desc" && indexedDB.cmp(behind, end) < 0 ? behind : end;
  return indexedDB.cmp(lower, upper) < 0 ? IDBKeyRange.bound(lower, upper, lower === behind, true) : null;
}

/** Digits come before letters. */
const AFTER_ALL = "a";
