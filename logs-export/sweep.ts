import { AnswerSoFar } from "../core/answer-so-far.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import type { Retention } from "../core/log/retention.ts";
import { upgradeRecord } from "../core/log/upgrade-record.ts";
import { withoutGaps } from "../core/log/without-gaps.ts";
import { heldLocks } from "../core/web-lock.ts";
import { retain } from "./retain.ts";
import { adopt, putRow } from "./rows.ts";
import { ALL, count, type Database, eventsOf, type Transaction } from "./tables.ts";

/** Where nobody can say who lives, an exchange that began so long ago is taken for abandoned. */
const ABANDONED_MS = 15 * 60_000;

export interface Keeping {
  /** For how long a stream can be continued after its end. */
  readonly streamsMs: number;
  readonly records: Retention;
}

/** Closes the records of hosts that died, with what is known of their answers, and forgets what was kept long enough. */
export async function sweep(db: Database, us: string, keep: Keeping): Promise<void> {
  const alive = await heldLocks();
  const nowMs = Date.now();
  const isAlive = (owner: string, { timestamp }: Pick<LogRecord, "timestamp">): boolean =>
    owner === us || (alive?.has(owner) ?? nowMs - Date.parse(timestamp) < ABANDONED_MS);

  const tx = db.transaction(ALL, "readwrite");
  await adopt(tx);
  for await (const cursor of tx.objectStore("logs").index("owner").iterate()) {
    const { record, owner } = cursor.value;
    if (!owner || isAlive(owner, record)) continue;
    const said = await saidOf(tx, record.id);
    const closed: LogRecord = { ...upgradeRecord(record), ...said, finish_reason: "interrupted" };
    await putRow(tx, cursor.primaryKey, closed);
    await count(tx, closed);
    const stream = await tx.objectStore("streams").get(record.id);
    if (stream) await tx.objectStore("streams").put({ ...stream, endedMs: nowMs });
    else await tx.objectStore("events").delete(eventsOf(record.id));
  }
  const expired = IDBKeyRange.upperBound(nowMs - keep.streamsMs);
  for await (const cursor of tx.objectStore("streams").index("endedMs").iterate(expired)) {
    await tx.objectStore("events").delete(eventsOf(cursor.value.id));
    await cursor.delete();
  }
  await retain(tx, keep.records, nowMs);
  await tx.done;
}

async function saidOf(tx: Transaction, id: string): Promise<Partial<LogRecord>> {
  const events = withoutGaps((await tx.objectStore("events").getAll(eventsOf(id))).flat());
  if (events.length === 0) return {};
  const answer = new AnswerSoFar();
  for (const event of events) answer.add(event);
  return answer.fields();
}
