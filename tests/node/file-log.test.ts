import { fork, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openFileLog } from "../../cli/log/file-log.ts";
import { GENESIS } from "../../core/log/chain.ts";
import { EVERYTHING, type LogQuery, placeOf } from "../../core/log/log-query.ts";
import type { LogRecord, LogSink } from "../../core/log/log-record.ts";
import { isLogRecord } from "../../core/log/log-schema.ts";
import { NO_TOTALS } from "../../core/log/totals.ts";
import { upgradeRecord } from "../../core/log/upgrade-record.ts";
import { verifyLog } from "../../core/log/verify.ts";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { RECORDS } from "../fixtures/any-record.ts";
import { SCHEMA_2, SCHEMA_3 } from "../fixtures/old-records.ts";
import { START } from "../fixtures/start-event.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "minivault-log-"));

async function readAll(log: LogSink, query: Partial<LogQuery> = {}): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const page of log.read({ ...EVERYTHING, ...query })) records.push(...page.map(({ record }) => record));
  return records;
}

const linesIn = (folder: string, day: string) =>
  readFileSync(join(folder, `${day}.jsonl`), "utf8")
    .split("\n")
    .slice(0, -1);

const record = (id: string, timestamp_ns: string = SCHEMA_3.timestamp_ns): LogRecord => ({
  ...upgradeRecord(SCHEMA_3),
  id,
  timestamp_ns,
});

const sha256 = (line: string): string => createHash("sha256").update(line).digest("hex");

const startWriter = (...args: string[]) => {
  const script = fileURLToPath(new URL("../fixtures/file-log-writer.ts", import.meta.url));
  return fork(script, args, { execArgv: ["--import", "tsx"] });
};

/** Times of a few days. */
const LOGS = fc.uniqueArray(
  fc
    .tuple(RECORDS, fc.integer({ min: 0, max: 3 * 86_400_000 }))
    .map(([one, ms]): LogRecord => ({ ...one, timestamp_ns: `${BigInt(Date.UTC(2026, 10, 20) + ms) * 1_000_000n}` })),
  { selector: ({ id }) => id, maxLength: 20 },
);

test("any log in files reads as one in memory, from any place, in both directions", async () => {
  await fc.assert(
    fc.asyncProperty(LOGS, fc.nat(), fc.constantFrom("asc" as const, "desc" as const), async (records, pick, order) => {
      const [files, memory] = [openFileLog(newFolder()), createMemoryLog()];
      for (const log of [files, memory]) {
        expect(await log.import(records)).toBe(records.length);
        expect(await log.totals()).toEqual(NO_TOTALS); // they were not answered here
      }
      const from = records[pick % Math.max(1, records.length)];
      const queries = [{ order }, { order, limit: 3 }, ...(from ? [{ order, after: placeOf(from) }] : [])];
      for (const query of queries) expect(await readAll(files, query)).toEqual(await readAll(memory, query));
      for (const { id } of records.slice(0, 2)) expect(await files.find(id)).toEqual(await memory.find(id));
    }),
    { numRuns: 30 },
  );
});

test("a folder that is not there yet is a log without records", async () => {
  const log = () => openFileLog(join(newFolder(), "logs"));
  expect(await log().find("a")).toBeNull();
  expect(await log().delete("a")).toBe(false);
  expect(await log().deleteBefore(SCHEMA_3.timestamp_ns)).toBe(0);
  expect(await readAll(log())).toEqual([]);
});

test("each day has its file, also where an exchange ends after midnight", async () => {
  const folder = newFolder();
  const log = openFileLog(folder);
  const nsOf = (time: string) => `${BigInt(Date.parse(time)) * 1_000_000n}`;
  const late = await log.begin(record("late", nsOf("2026-11-21T23:59:59.900Z")), null);
  const early = await log.begin(record("early", nsOf("2026-11-22T00:00:00.100Z")), null);
  await early.close(record("early"), []);
  await late.close(record("late"), []);
  expect(readdirSync(folder).filter((name) => name.endsWith(".jsonl"))).toEqual([
    "2026-11-21.jsonl",
    "2026-11-22.jsonl",
  ]);
  expect(JSON.parse(linesIn(folder, "2026-11-21")[0] ?? "")).toMatchObject({ id: "late" });
  expect((await readAll(log)).map(({ id }) => id)).toEqual(["late", "early"]);
  expect(readdirSync(join(folder, "open"))).toEqual([]);
});

test("two processes write to one folder, and no line of either is lost or torn", { timeout: 60_000 }, async () => {
  const folder = newFolder();
  const writers = ["a", "b"].map((name) => startWriter(folder, name, "200"));
  expect(await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0]))).toEqual([0, 0]);
  const lines = linesIn(folder, "2026-11-22").map((line) => JSON.parse(line));
  expect(lines.every(isLogRecord)).toBe(true);
  expect(new Set(lines.map(({ id }) => id)).size).toBe(400);
  expect(lines).toHaveLength(400);
  expect(await openFileLog(folder).totals()).toMatchObject({ requests: [{ outcome: "stop", count: 400 }] });
  expect(await verifyLog(openFileLog(folder))).toMatchObject({ whole: true, records: 400, starts: [GENESIS] });
});

test("what a killed process left open is closed by the next one, with every token that was kept", {
  timeout: 60_000,
}, async () => {
  const folder = newFolder();
  const writer = startWriter(folder, "cut", "stream");
  let kept = 0;
  await new Promise<void>((resolve) => {
    writer.on("message", (index: number) => {
      kept = index + 1;
      if (kept === 100) resolve();
    });
  });
  writer.kill("SIGKILL");
  await once(writer, "exit");

  for (let visit = 0; visit < 2; visit++) {
    const records = await readAll(openFileLog(folder));
    expect(records).toMatchObject([{ id: "cut", finish_reason: "interrupted", model: "m", options: { seed: 7 } }]);
    const tokens = records[0]?.usage?.completion_tokens ?? 0;
    expect(tokens).toBeGreaterThanOrEqual(kept);
    expect(records[0]?.response).toBe(Array.from({ length: tokens }, (_, index) => `${index} `).join(""));
  }
  expect(linesIn(folder, "2026-11-22")).toHaveLength(1);
  expect(await verifyLog(openFileLog(folder))).toMatchObject({ whole: true, records: 1 });
});

test("a line that a crash cut short costs no other line", async () => {
  const folder = newFolder();
  const log = openFileLog(folder);
  await log.import([record("before")]);
  const later = `${BigInt(SCHEMA_3.timestamp_ns) + 1n}`;
  appendFileSync(join(folder, "2026-11-22.jsonl"), '{"schema": 4, "id": "to');
  await (await log.begin(record("after", later), null)).close(record("after"), []);
  expect((await readAll(log)).map(({ id }) => id)).toEqual(["before", "after"]);
  expect(await log.delete("before")).toBe(true);
  expect((await readAll(log)).map(({ id }) => id)).toEqual(["after"]);
});

test("a lock that a dead process left is taken from it", { timeout: 30_000 }, async () => {
  const folder = newFolder();
  mkdirSync(join(folder, ".lock"));
  utimesSync(join(folder, ".lock"), 0, 0);
  expect(await openFileLog(folder).import([record("a")])).toBe(1);
  expect(readdirSync(folder).toSorted()).toEqual(["2026-11-22.jsonl", "chain.json"]);
});

/** What is there after a crash: the files as they were before a change or after it, and the plan of that change. */
async function crashed(change: (log: LogSink) => Promise<unknown>, isDone: boolean): Promise<string> {
  const folder = newFolder();
  const at = (ns: number) => `${BigInt(SCHEMA_3.timestamp_ns) + BigInt(ns)}`;
  await openFileLog(folder).import([record("a"), record("b", at(1)), record("c", at(2))]);
  const [before, after] = [newFolder(), newFolder()];
  cpSync(folder, before, { recursive: true });
  await change(openFileLog(folder));
  cpSync(folder, after, { recursive: true });

  const linksOf = (from: string) => {
    const lines = linesIn(from, "2026-11-22");
    return lines.map((line) => ({ line, hash: sha256(line), prev: JSON.parse(line).prev_hash }));
  };
  const [old, now] = [linksOf(before), linksOf(after)];
  const without = (some: typeof old, others: typeof old) =>
    some.filter(({ line }) => !others.some((other) => other.line === line)).map(({ hash, prev }) => ({ hash, prev }));
  const left = isDone ? after : before;
  if (isDone) cpSync(join(before, "chain.json"), join(left, "chain.json"));
  const plan = { days: ["2026-11-22"], added: without(now, old), removed: without(old, now) };
  writeFileSync(join(left, "chain-plan.json"), JSON.stringify(plan));
  return left;
}

const CHANGES: [string, (log: LogSink) => Promise<unknown>][] = [
  ["an exchange ends", async (log) => (await log.begin(record("new"), null)).close(record("new"), [])],
  ["a record is deleted", (log) => log.delete("b")],
];

test.each(
  CHANGES.flatMap(([what, change]) => [
    [what, "before it is written", change, false] as const,
    [what, "before the chain knows of it", change, true] as const,
  ]),
)("the chain holds when a process dies while %s, %s", async (_what, _when, change, isDone) => {
  const folder = await crashed(change, isDone);
  const log = openFileLog(folder);
  expect(await verifyLog(log)).toMatchObject({ whole: true, records: linesIn(folder, "2026-11-22").length });
  await (await log.begin(record("last"), null)).close(record("last"), []);
  expect(await verifyLog(log)).toMatchObject({ whole: true });
});

test("what a version without a chain has written is chained", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "2026-11-22.jsonl"), `${JSON.stringify(SCHEMA_3)}\n${JSON.stringify(SCHEMA_2)}\n`);
  expect(await verifyLog(openFileLog(folder))).toMatchObject({ whole: true, records: 2 });
  const [first, second] = linesIn(folder, "2026-11-22");
  expect(JSON.parse(second ?? "").prev_hash).toBe(sha256(first ?? ""));
});

test("a line that was changed, or is gone, is named", async () => {
  const folder = newFolder();
  const path = join(folder, "2026-11-22.jsonl");
  await openFileLog(folder).import(["a", "b", "c"].map((id) => record(id)));
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(" Paris", " Rome"));
  expect(await verifyLog(openFileLog(folder))).toMatchObject({ whole: false, first_broken: { id: "a" } });
  writeFileSync(path, text.replace(/.*\n/, ""));
  expect(await verifyLog(openFileLog(folder))).toMatchObject({ whole: false, first_broken: { id: "b" } });
});

test("the script of the docs tells a whole log from one that was changed", async () => {
  const folder = newFolder();
  const log = openFileLog(folder);
  await log.import(["a", "b", "c"].map((id) => record(id)));
  await log.delete("b");
  const said = join(folder, "verify.json");
  writeFileSync(said, JSON.stringify(await verifyLog(log)));
  const path = join(folder, "2026-11-22.jsonl");
  const script = fileURLToPath(new URL("../../docs/verify-log.mjs", import.meta.url));
  const run = () => spawnSync(process.execPath, [script, path, said], { encoding: "utf8" });
  expect(run()).toMatchObject({ status: 0, stdout: "2 records: none was changed, none is missing.\n" });
  writeFileSync(path, readFileSync(path, "utf8").replace(" Paris", " Rome"));
  expect(run()).toMatchObject({ status: 1 });
});

test("a stream goes on in the process that began it, and its record is one", async () => {
  const log = openFileLog(newFolder());
  const replay = { path: "", accept: "", body: {}, seed: 7, conversationId: "chat" };
  const entry = await log.begin({ ...record("one"), finish_reason: null }, replay);
  await entry.keep([START]);
  const kept = await log.kept("chat");
  expect(kept).toMatchObject({ record: { id: "one" }, events: [START] });
  await expect(log.reopen(kept!)).rejects.toMatchObject({ code: "stream-busy" });
  await entry.close({ ...record("one"), finish_reason: "cancelled" }, []);
  const again = await log.reopen((await log.kept("chat"))!);
  expect(await readAll(log)).toMatchObject([{ id: "one", finish_reason: null }]);
  await again.close({ ...record("one"), finish_reason: "stop" }, []);
  expect(await readAll(log)).toMatchObject([{ id: "one", finish_reason: "stop" }]);
  expect(await readAll(openFileLog(newFolder()))).toEqual([]);
});

const days = (from: number, count: number) =>
  Array.from({ length: count }, (_, place) =>
    record(`day ${from + place}`, `${BigInt(Date.now() - (from + place) * 86_400_000) * 1_000_000n}`),
  );

test.each([
  ["days", { days: 2.5, records: null, bytes: null }, 3],
  ["records", { days: null, records: 4, bytes: null }, 4],
  ["bytes", { days: null, records: null, bytes: 2500 }, 2],
])("the oldest go where %s are limited", async (_, retention, left) => {
  const folder = newFolder();
  await openFileLog(folder).import(days(0, 6).toReversed());
  const log = openFileLog(folder, { retention });
  expect((await readAll(log)).map(({ id }) => id)).toEqual(
    days(0, left)
      .map(({ id }) => id)
      .toReversed(),
  );
  expect(readdirSync(folder).filter((name) => name.endsWith(".jsonl"))).toHaveLength(left);
});
