import { comparePlaces } from "../../core/log/log-query.ts";
import type { Retention } from "../../core/log/retention.ts";
import type { ChainedFiles } from "./chained-files.ts";
import { dayOf } from "./day-files.ts";

const DAY_MS = 86_400_000;

/** Returns how many those were. */
export async function deleteBefore(files: ChainedFiles, ns: string): Promise<number> {
  let deleted = 0;
  for (const day of await files.days()) {
    if (day <= dayOf(ns)) deleted += await files.remove(day, ({ timestamp_ns }) => timestamp_ns < ns);
  }
  return deleted;
}

/** Deletes what is more than may be kept, the oldest first. Counting reads the whole log. */
export async function retain(files: ChainedFiles, { days, records, bytes }: Retention): Promise<void> {
  if (days !== null) await deleteBefore(files, `${BigInt(Math.floor(Date.now() - days * DAY_MS)) * 1_000_000n}`);
  if (records === null && bytes === null) return;
  let leftRecords = records ?? Number.POSITIVE_INFINITY;
  let leftBytes = bytes ?? Number.POSITIVE_INFINITY;
  for (const day of (await files.days()).toReversed()) {
    const kept = new Set<string>();
    for await (const page of files.pagesOf(day, (a, b) => comparePlaces(b, a))) {
      for (const record of page) {
        leftRecords -= 1;
        leftBytes -= Buffer.byteLength(JSON.stringify(record)) + 1;
        if (leftRecords >= 0 && leftBytes >= 0) kept.add(record.id);
      }
    }
    await files.remove(day, ({ id }) => !kept.has(id));
  }
}
