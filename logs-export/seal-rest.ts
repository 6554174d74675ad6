import type { Opener } from "../core/vault/opener.ts";
import type { Sealer } from "../core/vault/sealer.ts";
import { lineOf, openEvents, openRow, sealRecord } from "./seals.ts";
import { closedAsFar } from "./sweep.ts";
import { type Database, eventsOf, UNSEALED } from "./tables.ts";
import type { Writer } from "./writer.ts";

const PAGE = 64;

/** Seals what ended before there was a vault, or was closed without being sealed. Goes on at the next start if it is cut. */
export async function sealRest(db: Database, writer: Writer, sealer: Sealer): Promise<void> {
  let last = 0;
  for (;;) {
    const range = IDBKeyRange.lowerBound(last, true);
    const [keys, rows] = await Promise.all([db.getAllKeys("logs", range, PAGE), db.getAll("logs", range, PAGE)]);
    const plain = keys.flatMap((key, place) => {
      const row = rows[place];
      return row && !row.sealed && !row.owner ? [{ key, row }] : [];
    });
    // As it stands: its hash is known, and what is damaged is sealed as well.
    const seals = await Promise.all(
      plain.map(async ({ key, row }) => ({
        key,
        prev: row.record.prev_hash,
        sealed: await sealer.seal(row.record.id, lineOf(row).text),
      })),
    );
    if (seals.length > 0) {
      await writer.alone(db, async (tx, ledger) => {
        for (const { key, prev, sealed } of seals) {
          const row = await tx.objectStore("logs").get(key);
          if (!row || row.owner || row.record.prev_hash !== prev) continue; // it goes on again
          await ledger.seal(key, row, sealed);
        }
      });
    }
    const end = keys.at(-1);
    if (end === undefined) break;
    last = end;
  }
  const tx = db.transaction(["keys", "streams", "events"], "readwrite");
  for await (const { value } of tx.objectStore("streams").iterate()) {
    if (value.endedMs === undefined) continue; // it goes when it ends
    await tx.objectStore("streams").delete(value.id);
    await tx.objectStore("events").delete(eventsOf(value.id));
  }
  await tx.objectStore("keys").delete(UNSEALED);
  await tx.done;
}

/** Closes a sealed record whose host died, with what is known of its answer. */
export async function closeSealed(
  db: Database,
  writer: Writer,
  { sealer, opener }: { readonly sealer: Sealer; readonly opener: Opener },
  key: number,
): Promise<void> {
  const row = await db.get("logs", key);
  if (!row?.owner) return;
  const { id } = row.record;
  const keys = await db.getAllKeys("events", eventsOf(id));
  const kept = await db.getAll("events", eventsOf(id));
  const events = await Promise.all(
    kept.map((one, place) => ("sealed" in one ? openEvents(opener, id, keys[place]?.[1] ?? 0, one) : one)),
  );
  const closed = await sealRecord(sealer, closedAsFar((await openRow(opener, row)).record, events.flat()));
  await writer.alone(db, async (tx, ledger) => {
    const now = await tx.objectStore("logs").get(key);
    if (!now || now.owner !== row.owner) return; // another tab was first
    await ledger.put(key, now, closed);
    ledger.count(closed.record);
    await tx.objectStore("streams").delete(id);
    await tx.objectStore("events").delete(eventsOf(id));
  });
}
