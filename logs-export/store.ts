import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from "idb";
import type { LogQuery, LogRecord, LogSink, StorageFacts, Totals } from "../core/log-record.ts";
import { LOG_CHANNEL } from "../core/protocol.ts";
import { addRecord, NO_TOTALS } from "../core/totals.ts";
import { holdLock } from "../core/web-lock.ts";

/** `owner` is there while the exchange is going on: a lock that its host holds while it lives. */
interface Row {
  readonly record: LogRecord;
  readonly owner?: string;
}

interface Schema extends DBSchema {
  /** By order of arrival: timestamps may be equal. */
  logs: { key: number; value: Row; indexes: { owner: string } };
  /** One row, written in the transactions that close records: it counts each of them once. */
  totals: { key: typeof TOTALS; value: Totals };
}

const TOTALS = "totals";

/** Records read at a time: a transaction must not stay open while a reader sleeps. */
const PAGE = 64;

/** The log in IndexedDB. Records that were left open by a host that died are closed as `interrupted`. */
export function openLogStore(name = "minivault"): LogSink {
  const owner = `minivault-log-${crypto.randomUUID()}`;
  const channel = new BroadcastChannel(LOG_CHANNEL);
  let locked: Promise<void> | undefined;
  let opening: Promise<IDBPDatabase<Schema>> | undefined;

  /** Storage may be back for the next record, and so may a connection that the browser or an upgrade took. */
  const forget = () => {
    opening = undefined;
  };
  const open = () => {
    locked ??= holdLock(owner);
    opening ??= locked.then(() => openDatabase(name, forget));
    opening.catch(forget);
    return opening;
  };

  return {
    async begin(record) {
      const db = await open();
      const key = await db.add("logs", { record, owner });
      channel.postMessage(null);
      return async (closed) => {
        const tx = db.transaction(["logs", "totals"], "readwrite");
        const counted = count(tx.objectStore("totals"), [closed]);
        await Promise.all([tx.objectStore("logs").put({ record: closed }, key), counted, tx.done]);
        channel.postMessage(null);
      };
    },
    read: (query) => readPages(open, query),
    totals: async () => (await (await open()).get("totals", TOTALS)) ?? NO_TOTALS,
    storage,
  };
}

type TotalsStore = Pick<IDBPObjectStore<Schema, ["logs", "totals"], "totals", "readwrite">, "get" | "put">;

async function count(store: TotalsStore, closed: readonly LogRecord[]): Promise<void> {
  if (closed.length === 0) return;
  await store.put(closed.reduce(addRecord, (await store.get(TOTALS)) ?? NO_TOTALS), TOTALS);
}

async function storage(): Promise<StorageFacts> {
  const [{ usage = 0, quota = 0 }, persisted] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return { used: usage, quota, persisted };
}

async function openDatabase(name: string, onClosed: () => void): Promise<IDBPDatabase<Schema>> {
  const db = await openDB<Schema>(name, 2, {
    async upgrade(db, from, _to, tx) {
      if (from < 1) db.createObjectStore("logs", { autoIncrement: true }).createIndex("owner", "owner");
      db.createObjectStore("totals");
      if (from < 1) return;
      // What was logged before there were totals counts as well.
      const rows = await tx.objectStore("logs").getAll();
      await count(
        tx.objectStore("totals"),
        rows.filter(({ owner }) => !owner).map(({ record }) => record),
      );
    },
    // Another tab wants to upgrade: do not stand in its way.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      onClosed();
    },
    terminated: onClosed,
  });
  await closeOrphans(db);
  return db;
}

async function closeOrphans(db: IDBPDatabase<Schema>): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map(({ name }) => name));
  const tx = db.transaction(["logs", "totals"], "readwrite");
  const closed: LogRecord[] = [];
  for await (const cursor of tx.objectStore("logs").index("owner").iterate()) {
    const { record, owner } = cursor.value;
    if (!owner || alive.has(owner)) continue;
    const end: LogRecord = { ...record, finish_reason: "interrupted" };
    await cursor.update({ record: end });
    closed.push(end);
  }
  await count(tx.objectStore("totals"), closed);
  await tx.done;
}

function readPages(open: () => Promise<IDBPDatabase<Schema>>, { order, limit }: LogQuery): ReadableStream<LogRecord> {
  const direction = order === "asc" ? "next" : "prev";
  let last: number | undefined;
  let left = limit;
  return new ReadableStream(
    {
      async pull(controller) {
        if (left === 0) return controller.close();
        const db = await open();
        let cursor = await db.transaction("logs").store.openCursor(beyond(last, direction), direction);
        if (!cursor) return controller.close();
        for (let room = PAGE; cursor && room > 0 && left > 0; room--, left--) {
          last = cursor.key;
          controller.enqueue(cursor.value.record);
          cursor = await cursor.continue();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

function beyond(key: number | undefined, direction: "next" | "prev"): IDBKeyRange | null {
  if (key === undefined) return null;
  return direction === "next" ? IDBKeyRange.lowerBound(key, true) : IDBKeyRange.upperBound(key, true);
}
