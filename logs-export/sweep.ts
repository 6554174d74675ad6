import { AnswerSoFar } from "../core/answer-so-far.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { withoutGaps } from "../core/log/without-gaps.ts";
import type { TokenEvent } from "../core/protocol.ts";
import type { Ledger } from "./ledger.ts";
import { adopt } from "./rows.ts";
import { lineOf } from "./seals.ts";
import { eventsOf, type Transaction } from "./tables.ts";

/** Where nobody can say who lives, an exchange that began so long ago is taken for abandoned. */
const ABANDONED_MS = 15 * 60_000;

export interface Sweep {
  /** Locks that are held; `null` where nobody can say. */
  readonly alive: ReadonlySet<string | undefined> | null;
  /** Our own lock. */
  readonly us: string;
  /** For how long a stream can be continued after its end. */
  readonly keepStreamsMs: number;
  readonly nowMs: number;
}

/**
 * Closes the records of hosts that died, with what is known of their answers, and forgets what was kept long enough.
 * @returns keys of those that were sealed: no transaction waits until they are opened
 */
export async function sweep(
  tx: Transaction,
  ledger: Ledger,
  { alive, us, keepStreamsMs, nowMs }: Sweep,
): Promise<number[]> {
  const isAlive = (owner: string, { timestamp }: Pick<LogRecord, "timestamp">): boolean =>
    owner === us || (alive?.has(owner) ?? nowMs - Date.parse(timestamp) < ABANDONED_MS);
  const sealed: number[] = [];

  await adopt(tx, ledger);
  for await (const cursor of tx.objectStore("logs").index("owner").iterate()) {
    const { record, owner } = cursor.value;
    if (!owner || isAlive(owner, record)) continue;
    const kept = await tx.objectStore("events").getAll(eventsOf(record.id));
    if (cursor.value.sealed || kept.some((events) => "sealed" in events)) {
      sealed.push(cursor.primaryKey);
      continue;
    }
    const closed = closedAsFar(lineOf(cursor.value).record, (kept as (readonly TokenEvent[])[]).flat());
    await ledger.putAsIs(cursor.primaryKey, cursor.value, closed);
    ledger.count(closed);
    const stream = await tx.objectStore("streams").get(record.id);
    if (stream) await tx.objectStore("streams").put({ ...stream, endedMs: nowMs });
    else await tx.objectStore("events").delete(eventsOf(record.id));
  }
  const expired = IDBKeyRange.upperBound(nowMs - keepStreamsMs);
  for await (const cursor of tx.objectStore("streams").index("endedMs").iterate(expired)) {
    await tx.objectStore("events").delete(eventsOf(cursor.value.id));
    await cursor.delete();
  }
  return sealed;
}

/** A record whose host died, with what it is known to have said. */
export function closedAsFar(record: LogRecord, events: readonly TokenEvent[]): LogRecord {
  const answer = new AnswerSoFar();
  for (const event of withoutGaps(events)) answer.add(event);
  return { ...record, ...(answer.start && answer.fields()), finish_reason: "interrupted" };
}
