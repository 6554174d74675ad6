import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { EXPORT_FORMATS, type ExportFormat } from "./export.ts";
import { BATCH_LINES, importLines } from "./import.ts";
import { EVERYTHING } from "./log-query.ts";
import type { LogRecord, LogSink } from "./log-record.ts";
import { LOG_FIELDS } from "./log-schema.ts";

const bytesOf = async (log: LogSink, format: ExportFormat): Promise<Uint8Array> =>
  new Uint8Array(await new Response(format.encode(log.read(EVERYTHING)) as BodyInit).arrayBuffer());

const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** What of an export can be imported. */
const TO_JSONL: Record<keyof typeof EXPORT_FORMATS, (bytes: Uint8Array) => string> = {
  jsonl: text,
  "jsonl.gz": (bytes) => text(gunzipSync(bytes)),
  zip: (bytes) => Object.values(unzipSync(bytes)).map(text).join(""),
  csv: (bytes) =>
    fromCsv(text(bytes))
      .map((record) => `${JSON.stringify(record)}\n`)
      .join(""),
};

const TEXTS = new Set([
  "id",
  "prev_hash",
  "salt",
  "level",
  "request_id",
  "trace_id",
  "timestamp",
  "timestamp_ns",
  "started_at",
  "finished_at",
]);
for (const field of ["endpoint", "dialect", "mode", "host", "client", "response", "model", "engine"]) TEXTS.add(field);
for (const field of ["device", "finish_reason"]) TEXTS.add(field);

/** As anybody would who was told of the apostrophe. */
function fromCsv(csv: string): object[] {
  const rows = parse(csv, {
    columns: true,
    cast: (value, { header, quoting, column }) => {
      if (header) return value;
      if (value === "") return quoting ? "" : null;
      if (value.startsWith("'")) return value.slice(1);
      const isText = TEXTS.has(String(column)) || (column === "prompt" && !value.startsWith("["));
      return isText ? value : JSON.parse(value);
    },
  });
  return rows as object[];
}

/** Times of a few days, and of each id one. */
const LOGS = fc.uniqueArray(
  fc.tuple(RECORDS, fc.integer({ min: 0, max: 4 * 86_400_000 })).map(
    ([record, ms]): LogRecord => ({
      ...record,
      timestamp: new Date(Date.UTC(2026, 10, 20) + ms).toISOString(),
      timestamp_ns: `${BigInt(Date.UTC(2026, 10, 20) + ms) * 1_000_000n}`,
    }),
  ),
  { selector: ({ id }) => id, maxLength: 20 },
);

const importText = (log: LogSink, lines: string) =>
  importLines(new Blob([lines]).stream() as AsyncIterable<Uint8Array<ArrayBuffer>>, log);

test.each(Object.keys(EXPORT_FORMATS) as (keyof typeof EXPORT_FORMATS)[])(
  "any records, exported as %s and imported, are the same",
  async (name) => {
    await fc.assert(
      fc.asyncProperty(LOGS, async (records) => {
        const [from, to] = [createMemoryLog(), createMemoryLog()];
        expect(await from.import(records)).toBe(records.length);
        const exported = await bytesOf(from, EXPORT_FORMATS[name]);
        expect(await importText(to, TO_JSONL[name](exported))).toEqual({ imported: records.length, skipped: 0 });
        expect(await bytesOf(to, EXPORT_FORMATS.jsonl)).toEqual(await bytesOf(from, EXPORT_FORMATS.jsonl));
        const sort = (all: readonly LogRecord[]) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
        expect(sort(to.records)).toEqual(sort(records));
      }),
      { numRuns: 40 },
    );
  },
);

test("a ZIP has a file for each day, in their order", async () => {
  await fc.assert(
    fc.asyncProperty(LOGS, async (records) => {
      const log = createMemoryLog();
      await log.import(records);
      const files = unzipSync(await bytesOf(log, EXPORT_FORMATS.zip));
      const days = [...new Set(records.map(({ timestamp }) => timestamp.slice(0, 10)))].toSorted();
      expect(Object.keys(files)).toEqual(days.map((day) => `${day}.jsonl`));
    }),
    { numRuns: 40 },
  );
});

test.each(["1970-01-02", "1979-12-31", "1980-01-01", "2026-11-21", "2107-12-31", "2108-01-01", "5138-11-16"])(
  "the file of %s in a ZIP has that date, or the one next to it that a ZIP can have",
  async (day) => {
    const [record] = fc.sample(RECORDS, 1) as [LogRecord];
    const log = createMemoryLog();
    await log.import([{ ...record, timestamp_ns: `${BigInt(Date.parse(day)) * 1_000_000n}` }]);
    const bytes = await bytesOf(log, EXPORT_FORMATS.zip);
    const date = new DataView(bytes.buffer).getUint16(12, true); // of the first file: APPNOTE.TXT 4.4.6
    const [year, month, date1] = [1980 + (date >> 9), (date >> 5) & 15, date & 31];
    const shown = [year, month, date1].map((part) => `${part}`.padStart(2, "0")).join("-");
    const expected = day < "1980" ? "1980-01-01" : day > "2107-12-31" ? "2107-12-31" : day;
    expect([Object.keys(unzipSync(bytes)), shown]).toEqual([[`${day}.jsonl`], expected]);
  },
);

const SIGNS = [..."=+-@＝＋－＠﹦﹢﹣﹫\t\r\n\0\v\x1b\x85\u200b\u202e\ufeff"].flatMap((sign) => [
  sign,
  ` ${sign}`,
  `\u3000${sign}`,
]);
const FORMULA = /^(?:\p{C}|\s*[=+\-@＝＋－＠﹦﹢﹣﹫])/u;

test("no cell of a CSV is a formula, nor begins with what cannot be seen, and any of them reads back as it was", () => {
  const log = createMemoryLog();
  return fc.assert(
    fc.asyncProperty(RECORDS, fc.constantFrom(...SIGNS), async (record, sign) => {
      await log.import([{ ...record, response: `${sign}cmd|' /C calc'!A0` }]);
      const rows = parse(text(await bytesOf(log, EXPORT_FORMATS.csv)), { columns: true }) as Record<string, string>[];
      for (const row of rows) for (const field of LOG_FIELDS) expect(row[field]).not.toMatch(FORMULA);
    }),
    { numRuns: 40 },
  );
});

test("a bad line keeps out its own batch, and no other", async () => {
  const [record] = fc.sample(RECORDS, 1) as [LogRecord];
  const lines = Array.from({ length: 3 * BATCH_LINES }, (_, place) => JSON.stringify({ ...record, id: `id-${place}` }));
  lines[BATCH_LINES + 7] = "broken";
  const log = createMemoryLog();
  await expect(importText(log, lines.join("\n"))).rejects.toThrow(
    `line ${BATCH_LINES + 8} (not JSON). ${2 * BATCH_LINES} records were imported, 0 were here already, ${BATCH_LINES - 1} were left out`,
  );
  const ids = log.records.map(({ id }) => id);
  expect([ids.length, ids[0], ids[BATCH_LINES]]).toEqual([2 * BATCH_LINES, "id-0", `id-${2 * BATCH_LINES}`]);
});

test("a line that is nested without end is named, and keeps nothing waiting", async () => {
  const [record] = fc.sample(RECORDS, 1) as [LogRecord];
  for (const place of ["format", "unknown"]) {
    const line = JSON.stringify({ ...record, options: { [place]: "here" } });
    const nested = line.replace('"here"', "[".repeat(100_000) + "]".repeat(100_000));
    const log = createMemoryLog();
    await expect(importText(log, nested)).rejects.toMatchObject({
      code: "bad-import",
      message: expect.stringContaining("line 1 (nested more than 220 levels deep)"),
    });
    expect(log.records).toEqual([]);
  }
});

test("any lines at all are records, or are named", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.json(),
          fc.string(),
          RECORDS.map((record) => JSON.stringify(record)),
        ),
      ),
      async (lines) => {
        const log = createMemoryLog();
        const failure = await importText(log, lines.join("\n")).then(
          () => null,
          (cause) => cause,
        );
        if (failure)
          expect(failure).toMatchObject({ code: "bad-import", message: expect.stringMatching(/line \d+ \(.*\)/) });
        else expect(log.records.length).toBeLessThanOrEqual(lines.length);
      },
    ),
  );
});

const linesFor = (record: LogRecord, count: number) =>
  Array.from({ length: count }, (_, place) => `${JSON.stringify({ ...record, id: `id-${place}` })}\n`).join("");

test("a file that breaks off is imported up to there, and the line is named; a line that is not UTF-8 changes no other", async () => {
  const [record] = fc.sample(RECORDS, 1) as [LogRecord];
  const log = createMemoryLog();
  async function* source() {
    yield new TextEncoder().encode(linesFor(record, BATCH_LINES + 2));
    throw new Error("cable");
  }
  await expect(importLines(source(), log)).rejects.toMatchObject({
    code: "bad-import",
    message: expect.stringContaining(`line ${BATCH_LINES + 3} (cable). ${BATCH_LINES} records were imported`),
  });
  expect(log.records).toHaveLength(BATCH_LINES);

  const bytes = new Uint8Array([...new TextEncoder().encode(`\ufeff${JSON.stringify(record)}\n`), 0xff, 10]);
  await expect(importLines(new Blob([bytes]).stream() as never, log)).rejects.toThrow(
    "of a log: line 2 (not UTF-8). 0 ",
  );
  await expect(importText(log, `\ufeff${JSON.stringify(record)}\n\ufeff\n`)).resolves.toEqual({
    imported: 1,
    skipped: 0,
  });
});

test("however many lines are no records, the answer names twenty, and of each as much as can be read", async () => {
  const log = createMemoryLog();
  const long = JSON.stringify({ ...fc.sample(RECORDS, 1)[0], device: "x".repeat(100_000) });
  const failure = await importText(log, `${long}\n`.repeat(50) + "broken\n".repeat(20_000)).catch((cause) => cause);
  expect(failure.message.length).toBeLessThan(20 * 250 + 500);
  expect(failure.message).toContain("line 20 (device: ");
  expect(failure.message).toContain(", and 20030 more. 0 records");
});

test("a line takes time and memory as long as it is, not its square, and at most 32 MiB of it are kept", async () => {
  const log = createMemoryLog();
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield new Uint8Array(1024 * 1024).fill(32);
    }
  }
  await expect(importLines(endless(), log)).rejects.toThrow("line 1 (over 33554432 bytes)");
  expect(given).toBe(33);
});
