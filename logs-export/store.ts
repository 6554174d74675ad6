import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { LOG_CHANNEL, type LogQuery, type LogRecord, type LogSink } from "../core/protocol.ts";
import { holdLock } from "../core/web-lock.ts";

/** `owner` is there while the exchange is going on: a lock that its host holds while it lives. */
interface Row {
  readonly record: LogRecord;
  readonly owner?: string;
}

interface Schema extends DBSchema {
  /** By order of arrival: timestamps may be equal. */
  logs: { key: number; value: Row; indexes: { owner: string } };
}

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
        await db.put("logs", { record: closed }, key);
        channel.postMessage(null);
      };
    },
    read: (query) => readPages(open, query),
  };
}

async function openDatabase(name: string, onClosed: () => void): Promise<IDBPDatabase<Schema>> {
  const db = await openDB<Schema>(name, 1, {
    upgrade(db) {
      db.createObjectStore("logs", { autoIncrement: true }).createIndex("owner", "owner");
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
  const tx = db.transaction("logs", "readwrite");
  for await (const cursor of tx.store.index("owner").iterate()) {
    const { record, owner } = cursor.value;
    if (owner && !alive.has(owner)) await cursor.update({ record: { ...record, finish_reason: "interrupted" } });
  }
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
