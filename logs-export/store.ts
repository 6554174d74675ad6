import { reasonOf, VaultError } from "../core/errors.ts";
import { STREAM_BUSY, STREAM_GONE } from "../core/log/log-errors.ts";
import type { LogSink, StorageFacts } from "../core/log/log-record.ts";
import { KEEP_ALL, type Retention } from "../core/log/retention.ts";
import { NO_TOTALS } from "../core/log/totals.ts";
import { withoutGaps } from "../core/log/without-gaps.ts";
import { LOG_CHANNEL, type LogMessage, type TokenEvent } from "../core/protocol.ts";
import { randomId } from "../core/random-id.ts";
import { heldLocks, holdLock } from "../core/web-lock.ts";
import { within } from "../core/within.ts";
import { openDatabase } from "./database.ts";
import { createEntries } from "./entries.ts";
import { createIndexer } from "./index-words.ts";
import { readPages } from "./read-pages.ts";
import { retain } from "./retain.ts";
import { addClosed, deleteBefore, deleteRecord } from "./rows.ts";
import { closeSealed, sealRest } from "./seal-rest.ts";
import { lineOf, openRow } from "./seals.ts";
import { signOffEnds } from "./sign-off.ts";
import { readChain } from "./stored-chain.ts";
import { isSweepDue, sweep } from "./sweep.ts";
import { type Database, eventsOf, type SealedEvents, TOTALS, UNSEALED } from "./tables.ts";
import { createStoreVault } from "./vault.ts";
import { type Change, createWriter } from "./writer.ts";

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
  const indexLater = createIndexer();
  /** What others left to be done is done as well. */
  const afterwards = (db: Database, hasNewEnds = true): void => {
    if (hasNewEnds) signOffEnds(db, Date.now()).catch(() => {}); // it is tried again
    indexLater(db);
  };
  const writer = createWriter({
    finish: (tx, ledger) => retain(tx, ledger, limits, Date.now()),
    onCommit: (db, hasNewEnds) => afterwards(db, hasNewEnds),
  });
  let limits = KEEP_ALL;
  let locked: Promise<void> | undefined;
  let opening: Promise<Database> | undefined;
  let reading: Promise<void> | undefined;
  let sealing: Promise<void> | undefined;

  /** Storage may be back for the next record, and so may a connection that the browser or an upgrade took. */
  const forget = () => {
    opening = undefined;
  };
  const readLimits = (): Promise<void> => {
    reading ??= retention().then((read) => {
      limits = read;
    });
    return reading;
  };
  /** Where there is no room to close or to seal anything, the log can be read all the same. */
  const swept = (db: Database): Promise<void> => sweepAll(db).catch(() => {}); // it is tried again
  const sweepAll = async (db: Database): Promise<void> => {
    const facts = { alive: await heldLocks(), us: owner, keepStreamsMs, nowMs: Date.now() };
    const isDue = await isSweepDue(db, facts, limits);
    const sealed = isDue ? await writer.alone(db, (tx, ledger) => sweep(tx, ledger, facts)) : [];
    const keys = sealed.length > 0 ? await vault.keys(db) : null;
    if (keys) for (const key of sealed) await closeSealed(db, writer, keys, key);
    const sealer = (await db.get("keys", UNSEALED)) ? await vault.sealer(db) : null;
    if (sealer) sealing ??= sealRest(db, writer, sealer).finally(() => (sealing = undefined));
    sealing?.catch(() => {}); // it goes on at the next start
  };
  const open = (): Promise<Database> => {
    locked ??= holdLock(owner);
    opening ??= locked.then(async () => {
      await readLimits();
      const db = await openDatabase(name, forget);
      await swept(db);
      afterwards(db);
      return db;
    });
    opening.catch(forget);
    return within(opening, OPEN_MS, async () => BLOCKED);
  };
  const openSwept = async (): Promise<Database> => {
    const db = await open();
    await entries.storeRest();
    await swept(db);
    return db;
  };

  const vault = createStoreVault(open, async (db) => {
    await sweepAll(db);
    await sealing;
    tell({ type: "changed" });
  });

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

  const entries = createEntries({ owner, open, writer, vault, told });

  const changed = async <T>(change: Change<T>): Promise<T> => {
    const result = await writer.alone(await openSwept(), change);
    tell({ type: "changed" });
    return result;
  };

  return {
    begin: (record, replay) =>
      told(async () => {
        const db = await open();
        return vault.writing(async () => {
          const begun = await vault.record(db, record);
          const isStream = replay !== null && !begun.sealed; // what a stream needs to go on tells all of it
          return writer.together(db, async (tx, ledger) => {
            const stamped = ledger.stamp(begun.record);
            const key = await ledger.add({ ...begun, record: stamped }, owner);
            if (isStream) {
              const { id, request_id } = record;
              const names = [request_id, ...(replay.conversationId ? [replay.conversationId] : [])];
              await tx.objectStore("streams").put({ id, logKey: key, names, replay });
            }
            return entries.entryOf({ key, stamped, before: null, isStream, keptEvents: 0 });
          });
        });
      }),
    count: (record) => told(async () => writer.together(await open(), async (_tx, ledger) => ledger.count(record))),
    async kept(name) {
      const db = await openSwept();
      const rows = await db.getAllFromIndex("streams", "names", name);
      const newest = rows.toSorted((a, b) => b.logKey - a.logKey)[0];
      const row = newest && (await db.get("logs", newest.logKey));
      const kept = newest && (await db.getAll("events", eventsOf(newest.id)));
      if (!row || row.sealed || !kept || kept.some(isSealed)) return null;
      const events = withoutGaps((kept as (readonly TokenEvent[])[]).flat());
      return { record: lineOf(row).record, replay: newest.replay, events };
    },
    async reopen({ record, events }) {
      const db = await open();
      const alive = await heldLocks();
      const entry = await writer.alone(db, async (tx, ledger) => {
        const stream = await tx.objectStore("streams").get(record.id);
        const row = stream && (await tx.objectStore("logs").get(stream.logKey));
        if (!stream || !row || ledger.hasVault) throw STREAM_GONE; // what is sealed does not go on
        if (row.owner && (alive?.has(row.owner) ?? true)) throw STREAM_BUSY;
        const before = lineOf(row).record;
        const { endedMs: _, ...reopened } = stream;
        await tx.objectStore("streams").put(reopened);
        await tx.objectStore("events").delete(eventsOf(record.id, events.length)); // what a gap parted from them
        await ledger.put(stream.logKey, row, { record: { ...before, finish_reason: null, error: null } }, owner);
        const begun = { key: stream.logKey, stamped: before, before, isStream: true, keptEvents: events.length };
        return entries.entryOf(begun);
      });
      tell({ type: "changed" });
      return entry;
    },
    read: (query) => readPages(openSwept, vault.opener, query),
    async find(id) {
      const db = await openSwept();
      const opener = await vault.opener(db);
      const row = await db.getFromIndex("logs", "id", id);
      return row ? (await openRow(opener, row)).record : null;
    },
    delete: (id) => changed((tx, ledger) => deleteRecord(tx, ledger, id)),
    deleteBefore: (ns) => changed((tx, ledger) => deleteBefore(tx, ledger, ns)),
    async import(records) {
      const db = await openSwept();
      return vault.writing(async () => {
        const sealed = await Promise.all(records.map((record) => vault.record(db, record)));
        return changed((tx, ledger) => addClosed(tx, ledger, sealed));
      });
    },
    async chain() {
      const db = await openSwept();
      await signOffEnds(db, Date.now());
      return readChain(db.transaction("chain"));
    },
    totals: async () => (await (await open()).get("totals", TOTALS)) ?? NO_TOTALS,
    storage,
    vault: vault.control,
  };
}

const isSealed = (events: SealedEvents | readonly TokenEvent[]): boolean => "sealed" in events;

const BLOCKED = new VaultError(
  "log-failed",
  "The log is being upgraded. Try again in a moment; if that lasts, another tab keeps an older version open: reload it.",
);

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
