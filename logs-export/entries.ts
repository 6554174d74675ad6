import type { LogRecord, OpenEntry } from "../core/log/log-record.ts";
import type { TokenEvent } from "../core/protocol.ts";
import { VAULT_IS_NEW } from "./ledger.ts";
import { type Database, eventsOf, type Transaction, VAULT } from "./tables.ts";
import type { StoreVault } from "./vault.ts";
import type { Writer } from "./writer.ts";

/** Ends in memory: each holds its whole record. */
const MOST_UNSTORED = 64;

/** An exchange whose record is open. */
export interface Begun {
  /** Of its row. */
  readonly key: number;
  readonly stamped: LogRecord;
  /** Its last end, if it has been opened again. */
  readonly before: LogRecord | null;
  /** What was said is kept for some time. */
  readonly isStream: boolean;
  /** How many are kept already. */
  readonly keptEvents: number;
}

export interface EntriesOptions {
  /** The lock of this host. */
  readonly owner: string;
  readonly open: () => Promise<Database>;
  readonly writer: Writer;
  readonly vault: StoreVault;
  /** Says whether a record's end could be stored. */
  told(write: () => Promise<void>): Promise<void>;
}

/** Exchanges of this host that are going on. A connection may be taken before one ends: each write asks for the one there is. */
export function createEntries({ owner, open, writer, vault, told }: EntriesOptions) {
  /** Ends that could not be stored: a connection was taken, or storage was full. */
  const unstored: (() => Promise<void>)[] = [];

  return {
    /** Before the log is read. */
    async storeRest(): Promise<void> {
      for (let left = unstored.length; left > 0; left--) {
        const store = unstored.shift()!;
        const isStored = await store().then(
          () => true,
          () => false,
        );
        if (isStored) continue;
        unstored.push(store);
        return; // the next one would hardly fare better
      }
    },
    entryOf({ key, stamped, before, isStream, keptEvents }: Begun): OpenEntry {
      const { id, timestamp_ns } = stamped;
      let from = keptEvents;
      return {
        async keep(events) {
          if (events.length === 0) return;
          const at = from;
          from += events.length;
          await vault.writing(async () => {
            const db = await open();
            const kept = await vault.events(db, id, at, events);
            // Of its own: it comes four times a second, and touches nothing that the ledger keeps.
            const tx = db.transaction(["events", "keys"], "readwrite");
            tx.done.catch(() => {}); // told below, if nothing before it throws
            const hasVault = (await tx.objectStore("keys").getKey(VAULT)) !== undefined;
            if (hasVault && !("sealed" in kept)) throw VAULT_IS_NEW;
            await tx.objectStore("events").put(kept, [id, at]);
            tx.commit();
            await tx.done;
          });
        },
        close(record, events) {
          const store = () =>
            vault.writing(async () => {
              const db = await open();
              const closed = await vault.record(db, { ...record, timestamp_ns, prev_hash: null });
              await writer.together(db, async (tx, ledger) => {
                const row = await tx.objectStore("logs").get(key);
                if (row && row.owner !== owner) return; // somebody took us for dead, and closed it
                if (row) await ledger.put(key, row, closed);
                ledger.count(record, before);
                if (isStream) await endStream(tx, { id, events, from, isKept: !closed.sealed });
                else if (from > 0) await tx.objectStore("events").delete(eventsOf(id)); // the record has it all
              });
            });
          return told(store).catch((cause) => {
            if (unstored.length < MOST_UNSTORED) unstored.push(store); // the others end as `interrupted`, as far as they came
            throw cause;
          });
        },
      };
    },
  };
}

interface End {
  readonly id: string;
  readonly events: readonly TokenEvent[];
  /** How many are kept already. */
  readonly from: number;
  readonly isKept: boolean;
}

/** A stream that has ended can still be asked for, for a while. */
async function endStream(tx: Transaction, { id, events, from, isKept }: End): Promise<void> {
  const stream = await tx.objectStore("streams").get(id);
  if (stream && isKept) {
    await tx.objectStore("streams").put({ ...stream, endedMs: Date.now() });
    if (events.length > 0) await tx.objectStore("events").put(events, [id, from]);
  } else {
    await tx.objectStore("streams").delete(id);
    await tx.objectStore("events").delete(eventsOf(id));
  }
}
