import { RECORD_OPEN } from "../core/log/log-errors.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import type { Ledger } from "./ledger.ts";
import { lineOf, type Sealable } from "./seals.ts";
import type { Row, Transaction, Upgradable } from "./tables.ts";

export async function deleteRecord(tx: Transaction, ledger: Ledger, id: string): Promise<boolean> {
  const cursor = await tx.objectStore("logs").index("id").openCursor(id);
  if (!cursor) return false;
  if (cursor.value.owner) throw RECORD_OPEN;
  await ledger.delete(cursor.primaryKey, cursor.value);
  return true;
}

export async function deleteBefore(tx: Transaction, ledger: Ledger, ns: string): Promise<number> {
  let deleted = 0;
  const older = IDBKeyRange.upperBound([ns, ""], true);
  for await (const cursor of tx.objectStore("logs").index("time").iterate(older)) {
    if (cursor.value.owner) continue;
    await ledger.delete(cursor.primaryKey, cursor.value);
    deleted++;
  }
  return deleted;
}

/** Adds records that ended elsewhere, but those that are there already; returns how many. */
export async function addClosed(tx: Transaction, ledger: Ledger, records: readonly Sealable[]): Promise<number> {
  const ids = tx.objectStore("logs").index("id");
  const seen = new Set<string>();
  const unique = records.filter(({ record: { id } }) => !seen.has(id) && seen.add(id));
  const keys = await Promise.all(unique.map(({ record }) => ids.getKey(record.id)));
  const added = unique.filter((_, place) => keys[place] === undefined);
  await Promise.all(added.map((one) => ledger.add(one))); // one after another: a request waits for none before it
  return added.length;
}

/** Rows of another version in memory. */
const AT_ONCE = 256;

/** Takes in what other versions wrote: all there is at an upgrade, later what one that was rolled back to has added. */
export async function adopt(
  tx: Upgradable,
  ledger: Ledger,
  each: (record: LogRecord, owner?: string) => void = () => {},
): Promise<void> {
  const logs = tx.objectStore("logs");
  for (let last: number | undefined = ledger.size.lastKey; last !== undefined; ) {
    const foreign = IDBKeyRange.lowerBound(last, true);
    const [keys, rows]: [number[], Row[]] = await Promise.all([
      logs.getAllKeys(foreign, AT_ONCE),
      logs.getAll(foreign, AT_ONCE),
    ]);
    const taking = rows.map(async (row, place) => {
      const { record } = lineOf(row);
      const stamped = row.record.timestamp_ns ? record : ledger.stamp(record);
      await ledger.putAsIs(keys[place]!, null, stamped, row.owner);
      each(stamped, row.owner);
    });
    await Promise.all(taking);
    last = keys.at(-1);
  }
}
