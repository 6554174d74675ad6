import { after } from "../core/log/clock.ts";
import { hashOf } from "../core/log/hash.ts";
import { LogLine } from "../core/log/log-line.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { addRecord, NO_TOTALS } from "../core/log/totals.ts";
import type { Sealed } from "../core/vault/sealed.ts";
import { lineOf, type Sealable, stubOf } from "./seals.ts";
import { dropWords, segmentOf } from "./segments.ts";
import { openChain } from "./stored-chain.ts";
import { eventsOf, LAST, type Row, SIZE, type Size, TOTALS, UNSEALED, type Upgradable, VAULT } from "./tables.ts";

export const NOTHING: Size = { records: 0, bytes: 0, lastKey: 0, indexed: 0 };

/** All changes of the log in a transaction: what they add up to, and how they are chained, is stored once, by `save()`. */
export interface Ledger {
  readonly size: Size;
  /** What is stored must be sealed. */
  readonly hasVault: boolean;
  /** The record with a `timestamp_ns` above all before it, also those of other tabs. */
  stamp(record: LogRecord): LogRecord;
  /** @param before the record's last end, if this is not its first one */
  count(record: LogRecord, before?: LogRecord | null): void;
  /** @returns its key */
  add(record: Sealable, owner?: string): Promise<number>;
  /** @param owner left out: the exchange has ended */
  put(key: number, before: Row, record: Sealable, owner?: string): Promise<void>;
  /** A record that ended before there was a vault. */
  seal(key: number, before: Row, sealed: Sealed): Promise<void>;
  /** A record of a host that died, or of another version, as it stands: it is sealed later, if there is a vault. */
  putAsIs(key: number, before: Row | null, record: LogRecord, owner?: string): Promise<void>;
  /** With all that was kept of its stream. */
  delete(key: number, row: Row): Promise<void>;
  /** @returns whether the chain has ends now that no checkpoint signs off */
  save(): Promise<boolean>;
}

/** A vault was made since the record was to be stored: it has to be sealed first. */
export const VAULT_IS_NEW = new Error("There is a vault.");

export async function openLedger(tx: Upgradable): Promise<Ledger> {
  const logs = tx.objectStore("logs");
  const before = await Promise.all([
    tx.objectStore("size").get(SIZE),
    openChain(tx),
    tx.objectStore("clock").get(LAST),
    tx.objectStore("totals").get(TOTALS),
    tx.objectStore("keys").get(VAULT),
  ]);
  const [sizeBefore = NOTHING, chain, clockBefore, totalsBefore = NO_TOTALS, vault] = before;
  let [size, clock, totals] = [sizeBefore, clockBefore, totalsBefore];

  if (size.indexed !== size.records) {
    await tx.objectStore("segments").clear();
    await tx.objectStore("words").clear();
    size = { ...size }; // to be stored
  }
  /** Segments whose words are not all in it any more, or others. */
  const changed = new Set<number>();

  const rowOf = ({ record, sealed }: Sealable, owner: string | undefined): Row & { readonly bytes: number } => {
    const line = owner === undefined ? chain.append(record) : LogLine.of({ ...record, prev_hash: null });
    const shown = stubOf(line.record);
    const { length: bytes } = line.bytes;
    const state = owner === undefined ? { hash: line.hash } : { owner };
    return sealed
      ? { record: shown, bytes, ...state, sealed }
      : { record: { ...shown, model: record.model }, bytes, ...state, line: line.bytes };
  };
  const checked = (record: Sealable): Sealable => {
    if (vault && !record.sealed) throw VAULT_IS_NEW;
    return record;
  };
  const forget = (row: Row) => {
    const { record, owner, bytes = 0, hash } = row;
    if (owner === undefined) {
      chain.remove({ prev: record.prev_hash ?? "", hash: hash ?? hashOf(record as LogRecord) });
    }
    size = { ...size, records: size.records - 1, bytes: size.bytes - bytes };
  };
  const take = (key: number, { bytes = 0 }: Row) => {
    const lastKey = Math.max(size.lastKey, key);
    size = { ...size, records: size.records + 1, bytes: size.bytes + bytes, lastKey };
  };

  return {
    get size() {
      return size;
    },
    hasVault: vault !== undefined,
    stamp(record) {
      clock = after(clock, record.timestamp_ns);
      return { ...record, timestamp_ns: clock };
    },
    count(record, before = null) {
      totals = addRecord(totals, record, before);
    },
    async add(record, owner) {
      const row = rowOf(checked(record), owner);
      const key = await logs.add(row);
      take(key, row);
      return key;
    },
    async put(key, before, record, owner) {
      const row = rowOf(checked(record), owner);
      forget(before);
      if (before.owner === undefined) changed.add(segmentOf(key));
      take(key, row);
      await logs.put(row, key);
    },
    async seal(key, before, sealed) {
      changed.add(segmentOf(key)); // its words would tell of it
      const { line: _, ...row } = before;
      const hash = before.hash ?? lineOf(before).hash;
      await logs.put({ ...row, record: stubOf(before.record as LogRecord), hash, sealed }, key);
    },
    async putAsIs(key, before, record, owner) {
      if (before) forget(before);
      const row = rowOf({ record }, owner);
      take(key, row);
      await logs.put(row, key);
      if (vault && owner === undefined) await tx.objectStore("keys").put(true, UNSEALED);
    },
    async delete(key, row) {
      forget(row);
      changed.add(segmentOf(key));
      await logs.delete(key);
      await tx.objectStore("streams").delete(row.record.id);
      await tx.objectStore("events").delete(eventsOf(row.record.id));
    },
    async save() {
      for (const segment of changed) await dropWords(tx, segment);
      const [hasNewEnds] = await Promise.all([
        chain.save(),
        size !== sizeBefore && tx.objectStore("size").put({ ...size, indexed: size.records }, SIZE),
        clock !== undefined && clock !== clockBefore && tx.objectStore("clock").put(clock, LAST),
        totals !== totalsBefore && tx.objectStore("totals").put(totals, TOTALS),
      ]);
      return hasNewEnds;
    },
  };
}
