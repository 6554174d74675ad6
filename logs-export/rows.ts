import type { LogRecord } from "../core/log-record.ts";
import { eventsOf, type Row, SIZE, type Size, stamp, type Upgradable } from "./tables.ts";
import { upgradeRecord } from "./upgrade-record.ts";

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
