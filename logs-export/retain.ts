import type { Retention } from "../core/log/retention.ts";
import type { Ledger } from "./ledger.ts";
import type { Size, Transaction } from "./tables.ts";

const DAY_MS = 86_400_000;

const isTooMuch = ({ records, bytes }: Size, keep: Retention): boolean =>
  records > (keep.records ?? records) || bytes > (keep.bytes ?? bytes);

/** The first `timestamp_ns` that may be kept. */
const oldestNs = ({ days }: Retention, nowMs: number): string =>
  days === null ? "" : `${BigInt(Math.floor(nowMs - days * DAY_MS)) * 1_000_000n}`;

/** @param ns of the oldest record; `undefined`: there is none */
export const isRetentionDue = (size: Size, ns: string | undefined, keep: Retention, nowMs: number): boolean =>
  ns !== undefined && (isTooMuch(size, keep) || ns < oldestNs(keep, nowMs));

/** Deletes what is more than may be kept, the oldest first, but nothing of an exchange that is going on. */
export async function retain(tx: Transaction, ledger: Ledger, keep: Retention, nowMs: number): Promise<void> {
  if (keep.days === null && keep.records === null && keep.bytes === null) return;
  let cursor = await tx.objectStore("logs").index("time").openCursor();
  while (cursor && isRetentionDue(ledger.size, cursor.key[0], keep, nowMs)) {
    const row = cursor.value;
    if (!row.owner) await ledger.delete(cursor.primaryKey, row);
    cursor = await cursor.continue();
  }
}
