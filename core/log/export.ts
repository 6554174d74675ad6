import { makeZip } from "client-zip";
import { csvLine } from "../encode/csv.ts";
import { joined, type LogLine } from "./log-line.ts";
import { LOG_FIELDS } from "./log-schema.ts";

type Pages = ReadableStream<readonly LogLine[]>;
type Bytes = ReadableStream<Uint8Array>;

export interface ExportFormat {
  readonly mediaType: string;
  /** Of the file's name. */
  readonly extension: string;
  encode(pages: Pages): Bytes;
}

const utf8 = new TextEncoder();

const jsonLines = (pages: Pages): Bytes =>
  pages.pipeThrough(new TransformStream({ transform: (page, out) => out.enqueue(joined(page)) }));

const csvLines = (pages: Pages): Bytes =>
  pages.pipeThrough(
    new TransformStream({
      start: (out) => out.enqueue(utf8.encode(csvLine(LOG_FIELDS))),
      transform: (page, out) => out.enqueue(utf8.encode(page.map(toCsv).join(""))),
    }),
  );
const toCsv = ({ record }: LogLine): string => csvLine(LOG_FIELDS.map((field) => record[field]));

export const EXPORT_FORMATS = {
  jsonl: { mediaType: "application/x-ndjson", extension: "jsonl", encode: jsonLines },
  "jsonl.gz": {
    mediaType: "application/gzip",
    extension: "jsonl.gz",
    encode: (pages) => jsonLines(pages).pipeThrough(new CompressionStream("gzip") as TransformStream),
  },
  csv: { mediaType: "text/csv; charset=utf-8", extension: "csv", encode: csvLines },
  /** Of JSONL files, one for each UTC day. */
  zip: { mediaType: "application/zip", extension: "zip", encode: (pages) => makeZip(days(pages)) },
} as const satisfies Readonly<Record<string, ExportFormat>>;

const dayOf = ({ record }: LogLine): string =>
  new Date(Number(BigInt(record.timestamp_ns) / 1_000_000n)).toISOString().slice(0, 10);

/** What a ZIP can say, in the local time that it says it in. */
const dateOf = (day: string): Date =>
  new Date(`${day < "1980" ? "1980-01-01" : day > "2107-12-31" ? "2107-12-31" : day}T00:00`);

/** A file is read to its end before the next one begins. */
async function* days(pages: Pages) {
  const reader = pages.getReader();
  let page: readonly LogLine[] = [];
  const more = async (): Promise<boolean> => {
    while (page.length === 0) {
      const { done, value } = await reader.read();
      if (done) return false;
      page = value;
    }
    return true;
  };

  const file = async function* (day: string) {
    while ((await more()) && dayOf(page[0]!) === day) {
      const end = page.findIndex((line) => dayOf(line) !== day);
      const lines = end === -1 ? page : page.slice(0, end);
      page = page.slice(lines.length);
      yield joined(lines);
    }
  };
  try {
    while (await more()) {
      const day = dayOf(page[0]!);
      yield { name: `${day}.jsonl`, input: file(day), lastModified: dateOf(day) };
    }
  } finally {
    await reader.cancel();
  }
}
