import { reasonOf, VaultError } from "../core/errors.ts";
import { STREAM_BUSY, STREAM_GONE } from "../core/log/log-errors.ts";
import type { LogRecord, LogSink, OpenEntry, StorageFacts } from "../core/log/log-record.ts";
import { KEEP_ALL, type Retention } from "../core/log/retention.ts";
import { NO_TOTALS } from "../core/log/totals.ts";
import { upgradeRecord } from "../core/log/upgrade-record.ts";
import { withoutGaps } from "../core/log/without-gaps.ts";
import { LOG_CHANNEL, type LogMessage } from "../core/protocol.ts";
import { randomId } from "../core/random-id.ts";
import { heldLocks, holdLock } from "../core/web-lock.ts";
import { within } from "../core/within.ts";
import { openDatabase } from "./database.ts";
import { readPages } from "./read-pages.ts";
import { retain } from "./retain.ts";
import { addClosed, addRow, deleteBefore, deleteRecord, putRow } from "./rows.ts";
import { type Keeping, sweep } from "./sweep.ts";
import { ALL, count, type Database, eventsOf, stamp, TOTALS, type Transaction } from "./tables.ts";

/** An upgrade waits until other tabs have closed the database; nobody else does. */
const OPEN_MS = 4_000;

export interface LogStoreOptions {
  readonly name?: string;
  /** For how long a stream can be continued after its end. */
  readonly keepStreamsMs?: number;
  /** Asked once; must not reject. */
  readonly retention?: () => Promise<Retention>;
}

/** The log in IndexedDB. Records that were left open by a host that died are closed as `interrupted`. */
export function openLogStore(options: LogStoreOptions = {}): LogSink {
  const { name = "minivault", keepStreamsMs = 300_000, retention = async () => KEEP_ALL } = options;
  const owner = `minivault-log-${randomId()}`;
  const channel = new BroadcastChannel(LOG_CHANNEL);
  const tell = (message: LogMessage) => channel.postMessage(message);
  let locked: Promise<void> | undefined;
  let opening: Promise<Database> | undefined;
  let keeping: Promise<Keeping> | undefined;

  /** Storage may be back for the next record, and so may a connection that the browser or an upgrade took. */
  const forget = () => {
    opening = undefined;
  };
  const keep = (): Promise<Keeping> => {
    keeping ??= retention().then((records) => ({ streamsMs: keepStreamsMs, records }));
    return keeping;
  };
  const open = (): Promise<Database> => {
    locked ??= holdLock(owner);
    opening ??= locked.then(async () => {
      const db = await openDatabase(name, forget);
      await sweep(db, owner, await keep());
      return db;
    });
    opening.catch(forget);
    return within(opening, OPEN_MS, async () => BLOCKED);
  };
  const openSwept = async (): Promise<Database> => {
    const db = await open();
    await sweep(db, owner, await keep());
    return db;
  };

  /** @param keptEvents how many are kept already */
  const entryOf = (
    db: Database,
    key: number,
    { id, timestamp_ns }: LogRecord,
    before: LogRecord | null,
    keptEvents: number,
  ): OpenEntry => {
    let from = keptEvents;
    return {
      async keep(events) {
        if (events.length === 0) return;
        const at = from;
        from += events.length;
        await db.put("events", events, [id, at]);
      },
      close: (record, events) =>
        told(async () => {
          const { records: keeping } = await keep();
          const tx = db.transaction(ALL, "readwrite");
          await putRow(tx, key, { ...record, timestamp_ns });
          await count(tx, record, before);
          const stream = await tx.objectStore("streams").get(id);
          if (stream) {
            await tx.objectStore("streams").put({ ...stream, endedMs: Date.now() });
            if (events.length > 0) await tx.objectStore("events").put(events, [id, from]);
          } else {
            await tx.objectStore("events").delete(eventsOf(id)); // the record has it all
          }
          await retain(tx, keeping, Date.now());
          await tx.done;
        }),
    };
  };

  /** Says whether a record's beginning or end could be stored. */
  const told = async <T>(write: () => Promise<T>): Promise<T> => {
    try {
      const written = await write();
      tell({ type: "changed" });
      return written;
    } catch (cause) {
      tell({ type: "failed", reason: whyNotStored(cause) });
      throw cause;
    }
  };

  const changed = async <T>(change: (tx: Transaction) => Promise<T>): Promise<T> => {
    const tx = (await openSwept()).transaction(ALL, "readwrite");
    const result = await change(tx);
    await tx.done;
    tell({ type: "changed" });
    return result;
  };

  return {
    begin: (record, replay) =>
      told(async () => {
        const db = await open();
        const tx = db.transaction(ALL, "readwrite");
        const stamped = await stamp(tx, record);
        const logKey = await addRow(tx, stamped, owner);
        const { id, request_id } = record;
        if (replay) {
          const names = [request_id, ...(replay.conversationId ? [replay.conversationId] : [])];
          await tx.objectStore("streams").put({ id, logKey, names, replay });
        }
        await tx.done;
        return entryOf(db, logKey, stamped, null, 0);
      }),
    count: (record) =>
      told(async () => {
        const tx = (await open()).transaction(ALL, "readwrite");
        await count(tx, record);
        await tx.done;
      }),
    async kept(name) {
      const db = await openSwept();
      const rows = await db.getAllFromIndex("streams", "names", name);
      const newest = rows.toSorted((a, b) => b.logKey - a.logKey)[0];
      const row = newest && (await db.get("logs", newest.logKey));
      if (!row) return null;
      const events = withoutGaps((await db.getAll("events", eventsOf(newest.id))).flat());
      return { record: upgradeRecord(row.record), replay: newest.replay, events };
    },
    async reopen({ record, events }) {
      const db = await open();
      const alive = await heldLocks();
      const tx = db.transaction(ALL, "readwrite");
      const stream = await tx.objectStore("streams").get(record.id);
      const row = stream && (await tx.objectStore("logs").get(stream.logKey));
      if (!stream || !row) throw STREAM_GONE;
      if (row.owner && (alive?.has(row.owner) ?? true)) throw STREAM_BUSY;
      const before = upgradeRecord(row.record);
      const { endedMs: _, ...reopened } = stream;
      await tx.objectStore("streams").put(reopened);
      await tx.objectStore("events").delete(eventsOf(record.id, events.length)); // what a gap parted from them
      await putRow(tx, stream.logKey, { ...before, finish_reason: null, error: null }, owner);
      await tx.done;
      tell({ type: "changed" });
      return entryOf(db, stream.logKey, before, before, events.length);
    },
    read: (query) => readPages(openSwept, query),
    async find(id) {
      const row = await (await openSwept()).getFromIndex("logs", "id", id);
      return row ? upgradeRecord(row.record) : null;
    },
    delete: (id) => changed((tx) => deleteRecord(tx, id)),
    deleteBefore: (ns) => changed((tx) => deleteBefore(tx, ns)),
    import: async (records) => {
      const { records: keeping } = await keep();
      return changed(async (tx) => {
        const added = await addClosed(tx, records);
        await retain(tx, keeping, Date.now());
        return added;
      });
    },
    totals: async () => (await (await open()).get("totals", TOTALS)) ?? NO_TOTALS,
    storage,
  };
}

const BLOCKED = new VaultError("log-failed", "Another tab keeps an older version of the log open. Close or reload it.");

function whyNotStored(cause: unknown): string {
  const isFull = cause instanceof DOMException && cause.name === "QuotaExceededError";
  return isFull
    ? "An exchange could not be stored: this site's storage is full. Delete models that are not needed."
    : `An exchange could not be stored: ${reasonOf(cause)}`;
}

async function storage(): Promise<StorageFacts | null> {
  if (!("storage" in navigator)) return null; // an insecure context
  const [{ usage = 0, quota = 0 }, persisted] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return { used: usage, quota, persisted };
}
