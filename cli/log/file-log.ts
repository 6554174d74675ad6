import { mkdir, readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { fromGenerator } from "../../core/from-generator.ts";
import { after } from "../../core/log/clock.ts";
import { RECORD_OPEN, STREAM_BUSY, STREAM_GONE } from "../../core/log/log-errors.ts";
import { LogLine } from "../../core/log/log-line.ts";
import { comparePlaces, type LogQuery, matches, type Place, placeOf } from "../../core/log/log-query.ts";
import type { LogRecord, LogSink, OpenEntry, Replay, Totals } from "../../core/log/log-record.ts";
import { KEEP_ALL, type Retention } from "../../core/log/retention.ts";
import { addRecord, NO_TOTALS } from "../../core/log/totals.ts";
import type { TokenEvent } from "../../core/protocol.ts";
import { createChainedFiles } from "./chained-files.ts";
import { dayOf } from "./day-files.ts";
import { withLock } from "./folder-lock.ts";
import { createOpenRecords, type OpenLine } from "./open-records.ts";
import { replaceFile } from "./replace-file.ts";
import { deleteBefore, retain } from "./retain.ts";

export interface FileLogOptions {
  /** For how long a stream can be continued after its end, by the process that began it. */
  readonly keepStreamsMs?: number;
  readonly retention?: Retention;
}

/** An exchange of this process: while it is open, and for streams some minutes longer. */
interface Entry {
  record: LogRecord;
  isOpen: boolean;
  readonly replay: Replay | null;
  readonly events: TokenEvent[];
}

/** What is written together. */
interface Batch {
  readonly open: OpenLine[];
  readonly closed: { readonly record: LogRecord; readonly before: LogRecord | null }[];
  readonly counted: LogRecord[];
}

/**
 * The log as files of JSONL, one for each UTC day: `2026-11-21.jsonl`. Several processes may write to one folder. What is
 * asked for while a batch is written and synced is the next batch.
 */
export function openFileLog(folder: string, options: FileLogOptions = {}): LogSink {
  const { keepStreamsMs = 300_000, retention = KEEP_ALL } = options;
  const files = createChainedFiles(folder);
  const openRecords = createOpenRecords(join(folder, "open"));
  const entries = new Map<string, Entry>();
  /** Ids of the days that the last part of an import was about. */
  const seen = new Map<string, { readonly stamp: string; readonly ids: Set<string> }>();
  let lastNs: string | undefined;
  let batch: Batch = newBatch();
  /** The batch that waits for the one before it. */
  let writing: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();
  let ready: Promise<void> | undefined;

  const locked = <T>(work: () => Promise<T>): Promise<T> => withLock(folder, work);
  const changed = async <T>(change: () => Promise<T>): Promise<T> => {
    await open();
    return locked(change);
  };

  const open = (): Promise<void> => {
    ready ??= (async () => {
      await mkdir(folder, { recursive: true });
      await locked(async () => {
        await files.adopt();
        await openRecords.recover(async (records) => {
          const news = await addUnknown(records);
          await addTotals(news.map((record) => ({ record, before: null })));
        });
        await retain(files, retention);
      });
      lastNs = await newestNs();
    })();
    ready.catch(() => {
      ready = undefined; // the disk may be back for the next one
    });
    return ready;
  };

  /** Settles once what was added to the batch is on the disk. */
  const write = (add: (batch: Batch) => void): Promise<void> => {
    add(batch);
    writing ??= last = last
      .catch(() => {}) // that batch's writers heard of it
      .then(async () => {
        const taken = batch;
        batch = newBatch();
        writing = undefined;
        await open();
        await flush(taken);
      });
    return writing;
  };
  const flush = async ({ open, closed, counted }: Batch): Promise<void> => {
    if (open.length > 0) await openRecords.write(open);
    if (closed.length + counted.length > 0) {
      await locked(async () => {
        await files.append(closed.map(({ record }) => record));
        await addTotals([...closed, ...counted.map((record) => ({ record, before: null }))]);
        await retain(files, retention);
      });
    }
    if (closed.length > 0) await openRecords.write(closed.map(({ record: { id } }) => ({ type: "closed", id })));
    if (![...entries.values()].some(({ isOpen }) => isOpen)) await openRecords.clear();
  };

  /** Adds those whose ids their days do not have. An import comes in many parts: none reads again what the one before wrote. */
  const addUnknown = async (records: readonly LogRecord[]): Promise<LogRecord[]> => {
    const days = new Set(records.map(({ timestamp_ns }) => dayOf(timestamp_ns)));
    const there = new Set(await files.days());
    const known = new Map<string, Set<string>>();
    for (const day of days) known.set(day, there.has(day) ? await idsOf(day) : new Set());
    const all = [...known.values()];
    const isNew = ({ id, timestamp_ns }: LogRecord): boolean =>
      !all.some((ids) => ids.has(id)) && known.get(dayOf(timestamp_ns))?.add(id) !== undefined;
    seen.clear(); // should it fail
    const added = await files.append(records.filter(isNew));
    for (const [day, ids] of known) if (ids.size > 0) seen.set(day, { stamp: await files.stampOf(day), ids });
    return added;
  };
  const idsOf = async (day: string): Promise<Set<string>> => {
    const last = seen.get(day);
    if (last?.stamp === (await files.stampOf(day))) return last.ids;
    const ids = new Set<string>();
    for await (const { id } of files.recordsOf(day)) ids.add(id);
    return ids;
  };
  const newestNs = async (): Promise<string | undefined> => {
    const day = (await files.days()).at(-1);
    let newest: string | undefined;
    if (day) for await (const { timestamp_ns } of files.recordsOf(day)) newest = later(newest, timestamp_ns);
    return newest;
  };

  const totalsPath = join(folder, "totals.json");
  const totals = async (): Promise<Totals> => {
    const text = await readFile(totalsPath, "utf8").catch(() => null);
    return text === null ? NO_TOTALS : (JSON.parse(text) as Totals);
  };
  const addTotals = async (ended: Batch["closed"]): Promise<void> => {
    let sum = await totals();
    for (const { record, before } of ended) sum = addRecord(sum, record, before);
    await replaceFile(totalsPath, JSON.stringify(sum));
  };

  const openEntry = (entry: Entry, before: LogRecord | null): OpenEntry => ({
    async keep(events) {
      entry.events.push(...events);
      await write(({ open }) => open.push({ type: "said", id: entry.record.id, events }));
    },
    async close(record, events) {
      const { timestamp_ns, id } = entry.record;
      entry.record = { ...record, timestamp_ns, prev_hash: null };
      entry.events.push(...events);
      entry.isOpen = false;
      if (entry.replay) setTimeout(() => entry.isOpen || entries.delete(id), keepStreamsMs).unref();
      else entries.delete(id);
      await write(({ closed }) => closed.push({ record: entry.record, before }));
    },
  });

  async function* pages(query: LogQuery): AsyncGenerator<readonly LogLine[], void> {
    await open();
    const { order, after: behind } = query;
    const compare = (a: Place, b: Place) => (order === "asc" ? comparePlaces(a, b) : comparePlaces(b, a));
    const isWanted = (record: LogRecord) =>
      matches(record, query) && (behind === null || compare(placeOf(record), behind) > 0);
    const going = [...entries.values()].filter(({ isOpen }) => isOpen).map(({ record }) => record);
    const days = [...new Set([...(await files.days()), ...going.map(({ timestamp_ns }) => dayOf(timestamp_ns))])];
    let left = query.limit;
    for (const day of order === "asc" ? days.toSorted() : days.toSorted().toReversed()) {
      if ((query.fromNs && day < dayOf(query.fromNs)) || (query.toNs && day > dayOf(query.toNs))) continue;
      const open = going.filter(({ timestamp_ns }) => dayOf(timestamp_ns) === day);
      for await (const page of files.pagesOf(day, compare, open)) {
        const found = page.filter(isWanted).slice(0, left);
        left -= found.length;
        if (found.length > 0) yield found.map(LogLine.of);
        if (left === 0) return;
      }
    }
  }

  return {
    async begin(record, replay) {
      await open();
      lastNs = after(lastNs, record.timestamp_ns);
      const entry: Entry = { record: { ...record, timestamp_ns: lastNs }, isOpen: true, replay, events: [] };
      entries.set(record.id, entry);
      await write(({ open }) => open.push({ type: "begun", record: entry.record }));
      return openEntry(entry, null);
    },
    count: (record) => write(({ counted }) => counted.push(record)),
    async kept(name) {
      const found = [...entries.values()].findLast(
        ({ record, replay }) => replay && (record.request_id === name || replay.conversationId === name),
      );
      return found?.replay ? { record: found.record, replay: found.replay, events: [...found.events] } : null;
    },
    async reopen({ record, events }) {
      const entry = entries.get(record.id);
      if (!entry) throw STREAM_GONE;
      if (entry.isOpen) throw STREAM_BUSY;
      entry.isOpen = true;
      entry.record = { ...record, finish_reason: null, error: null, prev_hash: null };
      const { id } = record;
      await write(({ open }) => open.push({ type: "begun", record: entry.record }, { type: "said", id, events }));
      await changed(() => files.remove(dayOf(record.timestamp_ns), (other) => other.id === id));
      return openEntry(entry, record);
    },
    vault: null,
    read: (query) => fromGenerator(pages(query)),
    async find(id) {
      const going = entries.get(id);
      if (going?.isOpen) return going.record;
      await open();
      for (const day of (await files.days()).toReversed()) {
        for await (const record of files.recordsOf(day)) if (record.id === id) return record;
      }
      return null;
    },
    async delete(id) {
      if (entries.get(id)?.isOpen) throw RECORD_OPEN;
      entries.delete(id);
      return changed(async () => {
        for (const day of await files.days()) if (await files.remove(day, (record) => record.id === id)) return true;
        return false;
      });
    },
    deleteBefore: (ns) => changed(() => deleteBefore(files, ns)),
    import: (records) =>
      changed(async () => {
        const news = await addUnknown(records);
        await retain(files, retention);
        return news.length;
      }),
    chain: () => changed(() => files.chain()),
    totals,
    async storage() {
      await open();
      const { bavail, bsize } = await statfs(folder);
      const used = await files.bytes();
      return { used, quota: used + bavail * bsize, persisted: true };
    },
  };
}

const newBatch = (): Batch => ({ open: [], closed: [], counted: [] });

const later = (a: string | undefined, b: string): string => (a === undefined || BigInt(b) > BigInt(a) ? b : a);
