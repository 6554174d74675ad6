import type { Retention } from "../core/log/retention.ts";
import type { Ledger } from "./ledger.ts";
import type { Transaction } from "./tables.ts";

const DAY_MS = 86_400_000;

/** Deletes what is more than may be kept, the oldest first, but nothing of an exchange that is going on. */
export async function retain(tx: Transaction, ledger: Ledger, keep: Retention, nowMs: number): Promise<void> {
  if (keep.days === null && keep.records === null && keep.bytes === null) return;
  const oldestNs = keep.days === null ? "" : `${BigInt(Math.floor(nowMs - keep.days * DAY_MS)) * 1_000_000n}`;
  const isTooMuch = ({ records, bytes } = ledger.size) =>
    records > (keep.records ?? records) || bytes > (keep.bytes ?? bytes);

  let cursor = await tx.objectStore("logs").index("time").openCursor();
  while (cursor && (isTooMuch() || cursor.key[0] < oldestNs)) {
    const row = cursor.value;
    if (!row.owner) await ledger.delete(cursor.primaryKey, row);
    cursor = await cursor.continue();
  }
}
