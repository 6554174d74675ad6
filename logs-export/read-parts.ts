import type { LogLine } from "../core/log/log-line.ts";
import { comparePlaces, type LogQuery, matches, type Place, placeOf } from "../core/log/log-query.ts";
import type { Part } from "./find-words.ts";
import { lineOf } from "./seals.ts";
import { rowsOf } from "./segments.ts";
import type { Database, Row } from "./tables.ts";

const AT_ONCE = 128;

/** What is in them, in the order of the query. Segments overlap in time: a record waits until none that comes can be before it. */
export async function* readParts(
  db: Database,
  parts: readonly Part[],
  query: LogQuery,
): AsyncGenerator<readonly LogLine[], void> {
  const { order, after } = query;
  const inOrder = order === "asc" ? comparePlaces : (a: Place, b: Place) => comparePlaces(b, a);
  let { limit } = query;
  let waiting: LogLine[] = [];
  for (const [at, part] of parts.entries()) {
    for await (const rows of rowsIn(db, part)) {
      const isFound = ({ record }: LogLine) =>
        matches(record, query) && (!after || inOrder(placeOf(record), after) > 0);
      waiting.push(...rows.map(lineOf).filter(isFound));
    }
    const next = parts[at + 1];
    const isReady = ({ record: { timestamp_ns } }: LogLine) =>
      !next || (order === "asc" ? timestamp_ns < next.fromNs : timestamp_ns > next.toNs);
    const ready = waiting.filter(isReady).sort((a, b) => inOrder(placeOf(a.record), placeOf(b.record)));
    waiting = waiting.filter((one) => !isReady(one));
    const page = ready.slice(0, limit);
    limit -= page.length;
    if (page.length > 0) yield page;
    if (limit <= 0) return;
  }
}

async function* rowsIn(db: Database, { segment, keys }: Part): AsyncGenerator<readonly Row[]> {
  if (keys === null) {
    for await (const rows of rowsOf(db, segment, AT_ONCE)) yield rows.map(({ row }) => row);
    return;
  }
  const store = db.transaction("logs").store;
  const rows = await Promise.all(keys.map((key) => store.get(key)));
  yield rows.filter((row) => row !== undefined); // the others were deleted meanwhile
}
