import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Place, placeOf } from "../../core/log/log-query.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { type StoredRecord, upgradeRecord } from "../../core/log/upgrade-record.ts";

/** UTC, as `2026-11-21`. */
export const dayOf = (ns: string): string => new Date(Number(BigInt(ns) / 1_000_000n)).toISOString().slice(0, 10);

const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.jsonl$/;
const NEWLINE = 10;
const PAGE = 64;

/** The log's files, one for each UTC day. Whoever changes them holds the folder's lock. */
export function createDayFiles(folder: string) {
  const pathOf = (day: string) => join(folder, `${day}.jsonl`);

  /** Oldest first. */
  const days = async (): Promise<string[]> => {
    const names = await readdir(folder).catch(() => []);
    return names.flatMap((name) => DAY_FILE.exec(name)?.[1] ?? []).toSorted();
  };

  async function* recordsOf(day: string): AsyncGenerator<LogRecord> {
    const file = await open(pathOf(day));
    try {
      for await (const { record } of linesOf(file)) yield record;
    } finally {
      await file.close();
    }
  }

  return {
    days,
    recordsOf,
    /**
     * Those of a day in the order of their places, a page of them in memory at a time.
     * @param others that are in no file yet, or are there as they were before
     */
    async *pagesOf(day: string, compare: (a: Place, b: Place) => number, others: readonly LogRecord[] = []) {
      const spots: (Spot | Held)[] = others.map((record) => ({ ...placeOf(record), record }));
      const held = new Set(others.map(({ id }) => id));
      const file = await open(pathOf(day)).catch(() => null); // stays what it was, should a process write it anew
      try {
        if (file) {
          for await (const { record, offset, length } of linesOf(file)) {
            if (!held.has(record.id)) spots.push({ ...placeOf(record), offset, length });
          }
        }
        spots.sort(compare);
        for (let from = 0; from < spots.length; from += PAGE) {
          yield await Promise.all(spots.slice(from, from + PAGE).map((spot) => recordAt(file, spot)));
        }
      } finally {
        await file?.close();
      }
    },
    /** Written and synced when it settles. */
    async append(records: readonly LogRecord[]): Promise<void> {
      const lines = new Map<string, string[]>();
      for (const record of records) {
        const day = dayOf(record.timestamp_ns);
        lines.set(day, lines.get(day) ?? []);
        lines.get(day)?.push(lineOf(record));
      }
      for (const [day, text] of lines) await appendSynced(pathOf(day), text.join(""));
    },
    /** A crash leaves these, or what was there before. */
    async replace(day: string, records: readonly LogRecord[]): Promise<void> {
      const path = pathOf(day);
      if (records.length === 0) return rm(path);
      await rm(`${path}.new`, { force: true });
      await appendSynced(`${path}.new`, records.map(lineOf).join(""));
      await rename(`${path}.new`, path);
    },
    /** Another one whenever a day's file is: it grows, or a new one takes its place. */
    async stampOf(day: string): Promise<string> {
      const { ino, size, mtimeMs } = await stat(pathOf(day));
      return `${ino} ${size} ${mtimeMs}`;
    },
    async bytes(): Promise<number> {
      const sizes = await Promise.all((await days()).map(async (day) => (await stat(pathOf(day))).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}

/** Where a record's line is. */
interface Spot extends Place {
  readonly offset: number;
  readonly length: number;
}

/** One that is in memory. */
interface Held extends Place {
  readonly record: LogRecord;
}

async function recordAt(file: FileHandle | null, spot: Spot | Held): Promise<LogRecord> {
  if ("record" in spot) return spot.record;
  const { offset, length } = spot;
  if (!file) throw new Error("A day without a file has no lines.");
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  return upgradeRecord(JSON.parse(buffer.toString()) as StoredRecord);
}

/** By line feeds alone, which JSON escapes. A line that a crash cut short is no record, and stands in nobody's way. */
async function* linesOf(file: FileHandle): AsyncGenerator<{ record: LogRecord; offset: number; length: number }> {
  let rest = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0 })) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const record = parse(rest.subarray(0, end).toString());
      if (record) yield { record, offset, length: end };
      offset += end + 1;
      rest = rest.subarray(end + 1);
    }
  }
}

const lineOf = (record: LogRecord): string => `${JSON.stringify(record)}\n`;

function parse(line: string): LogRecord | null {
  try {
    return upgradeRecord(JSON.parse(line) as StoredRecord);
  } catch {
    return null;
  }
}

/** After a line that a crash cut short a new one begins. */
async function appendSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    await file.appendFile(size > 0 && last[0] !== NEWLINE ? `\n${text}` : text);
    await file.datasync();
    if (size === 0) await syncFolder(dirname(path)); // the name of a new file is the folder's
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // which cannot open one
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
