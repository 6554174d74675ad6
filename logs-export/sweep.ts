import { AnswerSoFar } from "../core/answer-so-far.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import type { Retention } from "../core/log/retention.ts";
import { withoutGaps } from "../core/log/without-gaps.ts";
import type { TokenEvent } from "../core/protocol.ts";
import { type Ledger, NOTHING } from "./ledger.ts";
import { isRetentionDue } from "./retain.ts";
import { adopt } from "./rows.ts";
import { lineOf } from "./seals.ts";
import { type Database, eventsOf, type Row, SIZE, type Transaction } from "./tables.ts";

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

const isAlive = ({ alive, us, nowMs }: Sweep, owner: string, { timestamp }: Pick<LogRecord, "timestamp">): boolean =>
  owner === us || (alive?.has(owner) ?? nowMs - Date.parse(timestamp) < ABANDONED_MS);

const expiredStreams = ({ nowMs, keepStreamsMs }: Sweep) => IDBKeyRange.upperBound(nowMs - keepStreamsMs);

/** Whether `sweep()` would change anything: who only reads the log keeps nobody waiting. */
export async function isSweepDue(db: Database, facts: Sweep, keep: Retention): Promise<boolean> {
  const tx = db.transaction(["logs", "size", "streams"]);
  const logs = tx.objectStore("logs");
  const [size = NOTHING, open, oldest, expired] = await Promise.all([
    tx.objectStore("size").get(SIZE),
    logs.index("owner").getAll(),
    logs.index("time").openKeyCursor(),
    tx.objectStore("streams").index("endedMs").getKey(expiredStreams(facts)),
  ]);
  const foreign = await logs.getKey(IDBKeyRange.lowerBound(size.lastKey, true));
  const isDead = ({ owner = "", record }: Row): boolean => !isAlive(facts, owner, record);
  const isIndexStale = size.indexed !== size.records; // another version wrote
  if (foreign !== undefined || isIndexStale || expired !== undefined || open.some(isDead)) return true;
  return isRetentionDue(size, oldest?.key[0], keep, facts.nowMs);
}

/**
 * Closes the records of hosts that died, with what is known of their answers, and forgets what was kept long enough.
 * @returns keys of those that were sealed: no transaction waits until they are opened
 */
export async function sweep(tx: Transaction, ledger: Ledger, facts: Sweep): Promise<number[]> {
  const sealed: number[] = [];

  await adopt(tx, ledger);
  for await (const cursor of tx.objectStore("logs").index("owner").iterate()) {
    const { record, owner } = cursor.value;
    if (!owner || isAlive(facts, owner, record)) continue;
    const kept = await tx.objectStore("events").getAll(eventsOf(record.id));
    if (cursor.value.sealed || kept.some((events) => "sealed" in events)) {
      sealed.push(cursor.primaryKey);
      continue;
    }
    const closed = closedAsFar(lineOf(cursor.value).record, (kept as (readonly TokenEvent[])[]).flat());
    await ledger.putAsIs(cursor.primaryKey, cursor.value, closed);
    ledger.count(closed);
    const stream = await tx.objectStore("streams").get(record.id);
    if (stream) await tx.objectStore("streams").put({ ...stream, endedMs: facts.nowMs });
    else await tx.objectStore("events").delete(eventsOf(record.id));
  }
  for await (const cursor of tx.objectStore("streams").index("endedMs").iterate(expiredStreams(facts))) {
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
