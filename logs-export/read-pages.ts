import { fromGenerator } from "../core/from-generator.ts";
import { type LogQuery, matches, placeOf } from "../core/log/log-query.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { upgradeRecord } from "../core/log/upgrade-record.ts";
import type { Database, Row } from "./tables.ts";

/** Rows read at a time: a transaction must not stay open while a reader sleeps, and all of them are in memory. */
const PAGE = 64;

/** What a query finds, by an index: of the model if it names one, else of the time. */
export const readPages = (open: () => Promise<Database>, query: LogQuery): ReadableStream<readonly LogRecord[]> =>
  fromGenerator(pages(open, query));

async function* pages(open: () => Promise<Database>, query: LogQuery): AsyncGenerator<readonly LogRecord[], void> {
  const db = await open();
  let { after, limit } = query;
  while (limit > 0) {
    const rows = await pageOf(db, { ...query, after });
    const last = rows.at(-1);
    if (!last) return;
    const records = rows.map(({ record }) => upgradeRecord(record));
    after = placeOf(records.at(-1)!);
    const found = records.filter((record) => matches(record, query)).slice(0, limit);
    limit -= found.length;
    if (found.length > 0) yield found;
  }
}

async function pageOf(db: Database, query: LogQuery): Promise<Row[]> {
  const index = db.transaction("logs").store.index(query.model === null ? "time" : "model");
  const range = rangeOf(query);
  if (range === null) return [];
  if (query.order === "asc") return index.getAll(range, PAGE);
  const rows: Row[] = [];
  for (let cursor = await index.openCursor(range, "prev"); cursor; cursor = await cursor.continue()) {
    rows.push(cursor.value);
    if (rows.length === PAGE) break;
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
