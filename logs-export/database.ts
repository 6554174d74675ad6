import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import { after } from "../core/clock.ts";
import type { LogRecord, Replay, Totals } from "../core/log-record.ts";
import type { TokenEvent } from "../core/protocol.ts";
import { addRecord, NO_TOTALS } from "../core/totals.ts";
import { type StoredRecord, upgradeRecord } from "./upgrade-record.ts";

/** `owner` is there while the exchange is going on: a lock that its host holds while it lives. */
interface Row {
  /** Of an earlier schema only where a version that was rolled back wrote it. */
  readonly record: StoredRecord;
  readonly owner?: string;
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

interface Schema extends DBSchema {
  /** By order of arrival: timestamps may be equal. */
  logs: { key: number; value: Row; indexes: { owner: string } };
  /** One row, written in the transactions that close records: it counts each of them once. */
  totals: { key: typeof TOTALS; value: Totals };
  /** One row: the last `timestamp_ns`. */
  clock: { key: typeof LAST; value: string };
  streams: { key: string; value: StreamRow; indexes: { names: string; endedMs: number } };
  /** By stream, and by how many came before. */
  events: { key: [id: string, from: number]; value: readonly TokenEvent[] };
}

export type Database = IDBPDatabase<Schema>;
type Store = "logs" | "totals" | "clock" | "streams" | "events";
export type Transaction = IDBPTransaction<Schema, Store[], "readwrite">;
/** Also that of an upgrade. */
type Upgradable = Pick<IDBPTransaction<Schema, Store[], "readwrite" | "versionchange">, "objectStore">;

export const ALL: Store[] = ["logs", "totals", "clock", "streams", "events"];
export const TOTALS = "totals";
const LAST = "last";
const VERSION = 4;

/** The events of a stream, those after the first `from` of them. */
export const eventsOf = (id: string, from = 0): IDBKeyRange =>
  IDBKeyRange.bound([id, from], [id, Number.MAX_SAFE_INTEGER]);

/**
 * `onClosed`: the connection is gone. Migrations only add: a version that was rolled back goes on with a newer
 * database, whose stores it does not know all of.
 */
export async function openDatabase(name: string, onClosed: () => void): Promise<Database> {
  try {
    return await openVersion(name, VERSION, onClosed);
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== "VersionError") throw cause;
    return openVersion(name, undefined, onClosed);
  }
}

function openVersion(name: string, version: number | undefined, onClosed: () => void): Promise<Database> {
  return openDB<Schema>(name, version, {
    async upgrade(db, from, _to, tx) {
      if (from < 1) db.createObjectStore("logs", { autoIncrement: true }).createIndex("owner", "owner");
      if (from < 2) db.createObjectStore("totals");
      if (from < 3) {
        const streams = db.createObjectStore("streams", { keyPath: "id" });
        streams.createIndex("names", "names", { multiEntry: true });
        streams.createIndex("endedMs", "endedMs");
        db.createObjectStore("events");
      }
      if (from < 4) db.createObjectStore("clock");
      for (let cursor = await tx.objectStore("logs").openCursor(); cursor; cursor = await cursor.continue()) {
        const row = cursor.value;
        const record = await stamp(tx, upgradeRecord(row.record));
        await cursor.update({ ...row, record });
        // What was logged before there were totals counts as well.
        if (from === 1 && !row.owner) await count(tx, record);
      }
    },
    // Another tab wants to upgrade: do not stand in its way.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      onClosed();
    },
    terminated: onClosed,
  });
}

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
