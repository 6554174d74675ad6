import { RECORD_OPEN } from "../core/log/log-errors.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { upgradeRecord } from "../core/log/upgrade-record.ts";
import { eventsOf, type Row, SIZE, type Size, stamp, type Transaction, type Upgradable } from "./tables.ts";

const NOTHING: Size = { records: 0, bytes: 0, lastKey: 0 };

/** The row of a record, with the length of its line in an export. */
const rowOf = (record: LogRecord, owner?: string): Row & { readonly bytes: number } => ({
  record,
  ...(owner !== undefined && { owner }),
  bytes: new TextEncoder().encode(`${JSON.stringify(record)}\n`).length,
});

export const sizeOf = async (tx: Upgradable): Promise<Size> => (await tx.objectStore("size").get(SIZE)) ?? NOTHING;

/** @returns its key */
export async function addRow(tx: Upgradable, record: LogRecord, owner: string): Promise<number> {
  const row = rowOf(record, owner);
  const { records, bytes } = await sizeOf(tx);
  const lastKey = await tx.objectStore("logs").add(row);
  await tx.objectStore("size").put({ records: records + 1, bytes: bytes + row.bytes, lastKey }, SIZE);
  return lastKey;
}

/** @param owner left out: the exchange has ended */
export async function putRow(tx: Upgradable, key: number, record: LogRecord, owner?: string): Promise<void> {
  const row = rowOf(record, owner);
  const logs = tx.objectStore("logs");
  const before = await logs.get(key);
  if (!before) return; // it was deleted meanwhile
  await logs.put(row, key);
  const size = await sizeOf(tx);
  await tx.objectStore("size").put({ ...size, bytes: size.bytes + row.bytes - (before.bytes ?? 0) }, SIZE);
}

/** Deletes a record with all that was kept of its stream. */
export async function deleteRow(tx: Upgradable, key: number, { record, bytes = 0 }: Row): Promise<void> {
  await tx.objectStore("logs").delete(key);
  await tx.objectStore("streams").delete(record.id);
  await tx.objectStore("events").delete(eventsOf(record.id));
  const size = await sizeOf(tx);
  await tx.objectStore("size").put({ ...size, records: size.records - 1, bytes: size.bytes - bytes }, SIZE);
}

export async function deleteRecord(tx: Transaction, id: string): Promise<boolean> {
  const cursor = await tx.objectStore("logs").index("id").openCursor(id);
  if (!cursor) return false;
  if (cursor.value.owner) throw RECORD_OPEN;
  await deleteRow(tx, cursor.primaryKey, cursor.value);
  return true;
}

export async function deleteBefore(tx: Transaction, ns: string): Promise<number> {
  let deleted = 0;
  const older = IDBKeyRange.upperBound([ns, ""], true);
  for await (const cursor of tx.objectStore("logs").index("time").iterate(older)) {
    if (cursor.value.owner) continue;
    await deleteRow(tx, cursor.primaryKey, cursor.value);
    deleted++;
  }
  return deleted;
}

/** Adds records that ended elsewhere, but those that are there already; returns how many. */
export async function addClosed(tx: Transaction, records: readonly LogRecord[]): Promise<number> {
  const logs = tx.objectStore("logs");
  const size = await sizeOf(tx);
  let { bytes, lastKey } = size;
  let added = 0;
  for (const record of records) {
    if ((await logs.index("id").getKey(record.id)) !== undefined) continue;
    const row = rowOf(record);
    lastKey = await logs.add(row);
    bytes += row.bytes;
    added++;
  }
  await tx.objectStore("size").put({ records: size.records + added, bytes, lastKey }, SIZE);
  return added;
}

/** Takes in what other versions wrote: all there is at an upgrade, later what one that was rolled back to has added. */
export async function adopt(tx: Upgradable, each: (row: Row) => Promise<void> = async () => {}): Promise<void> {
  const size = await sizeOf(tx);
  let { records, bytes, lastKey } = size;
  let cursor = await tx.objectStore("logs").openCursor(IDBKeyRange.lowerBound(lastKey, true));
  if (!cursor) return;
  for (; cursor; cursor = await cursor.continue()) {
    const { record, owner } = cursor.value;
    const upgraded = upgradeRecord(record);
    const row = rowOf(record.timestamp_ns ? upgraded : await stamp(tx, upgraded), owner);
    await cursor.update(row);
    await each(row);
    records++;
    bytes += row.bytes;
    lastKey = cursor.key;
  }
  await tx.objectStore("size").put({ records, bytes, lastKey }, SIZE);
}
