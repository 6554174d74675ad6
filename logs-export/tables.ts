import type { DBSchema, IDBPDatabase, IDBPTransaction } from "idb";
import { after } from "../core/log/clock.ts";
import type { LogRecord, Replay, Totals } from "../core/log/log-record.ts";
import { addRecord, NO_TOTALS } from "../core/log/totals.ts";
import type { StoredRecord } from "../core/log/upgrade-record.ts";
import type { TokenEvent } from "../core/protocol.ts";

/** `owner` is there while the exchange is going on: a lock that its host holds while it lives. */
export interface Row {
  /** Of an earlier schema only where a version that was rolled back wrote it. */
  readonly record: StoredRecord;
  readonly owner?: string;
  /** Of the record as JSON; not there where such a version wrote it. */
  readonly bytes?: number;
}

/** Of all rows. */
export interface Size {
  readonly records: number;
  readonly bytes: number;
  /** The newest that this version wrote, or took in. */
  readonly lastKey: number;
}

/** What a stream needs to go on; `endedMs` is not there while it is under way. */
interface StreamRow {
  /** Of the record. */
  readonly id: string;
  readonly logKey: number;
  /** Request id and conversation id. */
  readonly names: readonly string[];
  readonly replay: Replay;
  readonly endedMs?: number;
}

export interface Schema extends DBSchema {
  /** By order of arrival. `time` is the order that is shown: what is imported has older timestamps. */
  logs: {
    key: number;
    value: Row;
    indexes: {
      owner: string;
      id: string;
      time: [ns: string, id: string];
      model: [model: string, ns: string, id: string];
    };
  };
  /** One row, written in the transactions that add, close and delete records. */
  size: { key: typeof SIZE; value: Size };
  /** One row, written in the transactions that close records: it counts each of them once. */
  totals: { key: typeof TOTALS; value: Totals };
  /** One row: the last `timestamp_ns`. */
  clock: { key: typeof LAST; value: string };
  streams: { key: string; value: StreamRow; indexes: { names: string; endedMs: number } };
  /** By stream, and by how many came before. */
  events: { key: [id: string, from: number]; value: readonly TokenEvent[] };
}

export type Database = IDBPDatabase<Schema>;
type Store = "logs" | "size" | "totals" | "clock" | "streams" | "events";
export type Transaction = IDBPTransaction<Schema, Store[], "readwrite">;
/** Also that of an upgrade. */
export type Upgradable = Pick<IDBPTransaction<Schema, Store[], "readwrite" | "versionchange">, "objectStore">;

export const ALL: Store[] = ["logs", "size", "totals", "clock", "streams", "events"];
export const SIZE = "size";
export const TOTALS = "totals";
const LAST = "last";

/** The events of a stream, those after the first `from` of them. */
export const eventsOf = (id: string, from = 0): IDBKeyRange =>
  IDBKeyRange.bound([id, from], [id, Number.MAX_SAFE_INTEGER]);

/** The record with a `timestamp_ns` above all before it, also those of other tabs. */
export async function stamp(tx: Upgradable, record: LogRecord): Promise<LogRecord> {
  const clock = tx.objectStore("clock");
  const timestamp_ns = after(await clock.get(LAST), record.timestamp_ns);
  await clock.put(timestamp_ns, LAST);
  return { ...record, timestamp_ns };
}

/** @param before the record's last end, if this is not its first one */
export async function count(tx: Upgradable, record: LogRecord, before: LogRecord | null = null): Promise<void> {
  const totals = tx.objectStore("totals");
  await totals.put(addRecord((await totals.get(TOTALS)) ?? NO_TOTALS, record, before), TOTALS);
}
