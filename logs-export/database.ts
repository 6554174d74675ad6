import { openDB } from "idb";
import { openLedger } from "./ledger.ts";
import { adopt } from "./rows.ts";
import { type Database, type Schema, SIZE } from "./tables.ts";

const VERSION = 7;

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
      if (from < 5) {
        const logs = tx.objectStore("logs");
        logs.createIndex("id", "record.id");
        logs.createIndex("time", ["record.timestamp_ns", "record.id"]);
        logs.createIndex("model", ["record.model", "record.timestamp_ns", "record.id"]);
        db.createObjectStore("size");
      }
      if (from < 6) {
        db.createObjectStore("chain");
        db.createObjectStore("keys");
        await tx.objectStore("size").delete(SIZE); // all rows are taken in anew, and chained
      }
      if (from < 7) {
        db.createObjectStore("segments", { keyPath: "segment" });
        db.createObjectStore("words", { keyPath: ["shard", "segment"] });
      }
      // What was logged before there were totals counts as well.
      const ledger = await openLedger(tx);
      await adopt(tx, ledger, (record, owner) => {
        if (from === 1 && !owner) ledger.count(record);
      });
      await ledger.save();
    },
    // Another tab wants to upgrade: do not stand in its way.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      onClosed();
    },
    terminated: onClosed,
  });
}
