import { makeZip } from "client-zip";
import { csvLine } from "../encode/csv.ts";
import { jsonLine } from "../encode/lines.ts";
import type { LogRecord } from "./log-record.ts";
import { LOG_FIELDS } from "./log-schema.ts";

type Pages = ReadableStream<readonly LogRecord[]>;
type Bytes = ReadableStream<Uint8Array>;

export interface ExportFormat {
  readonly mediaType: string;
  /** Of the file's name. */
  readonly extension: string;
  encode(pages: Pages): Bytes;
}

const mapped = (pages: Pages, toText: (page: readonly LogRecord[]) => string, head = ""): Bytes => {
  const utf8 = new TextEncoder();
  return pages.pipeThrough(
    new TransformStream({
      start: (out) => head && out.enqueue(utf8.encode(head)),
      transform: (page, out) => out.enqueue(utf8.encode(toText(page))),
    }),
  );
};

const jsonLines = (pages: Pages): Bytes => mapped(pages, (page) => page.map(jsonLine).join(""));

export const EXPORT_FORMATS = {
  jsonl: { mediaType: "application/x-ndjson", extension: "jsonl", encode: jsonLines },
  "jsonl.gz": {
    mediaType: "application/gzip",
    extension: "jsonl.gz",
    encode: (pages) => jsonLines(pages).pipeThrough(new CompressionStream("gzip") as TransformStream),
  },
  csv: {
    mediaType: "text/csv; charset=utf-8",
    extension: "csv",
    encode: (pages) =>
      mapped(
        pages,
        (page) => page.map((record) => csvLine(LOG_FIELDS.map((field) => record[field]))).join(""),
        csvLine(LOG_FIELDS),
      ),
  },
  /** Of JSONL files, one for each UTC day. */
  zip: { mediaType: "application/zip", extension: "zip", encode: (pages) => makeZip(days(pages)) },
} as const satisfies Readonly<Record<string, ExportFormat>>;

const dayOf = ({ timestamp_ns }: LogRecord): string =>
  new Date(Number(BigInt(timestamp_ns) / 1_000_000n)).toISOString().slice(0, 10);

/** A file is read to its end before the next one begins. */
async function* days(pages: Pages) {
  const reader = pages.getReader();
  let page: readonly LogRecord[] = [];
  const more = async (): Promise<boolean> => {
    while (page.length === 0) {
      const { done, value } = await reader.read();
      if (done) return false;
      page = value;
    }
    return true;
  };

  const file = async function* (day: string) {
    const utf8 = new TextEncoder();
    while ((await more()) && dayOf(page[0]!) === day) {
      const end = page.findIndex((record) => dayOf(record) !== day);
      const lines = end === -1 ? page : page.slice(0, end);
      page = page.slice(lines.length);
      yield utf8.encode(lines.map(jsonLine).join(""));
    }
  };
  try {
    while (await more()) {
      const day = dayOf(page[0]!);
      yield { name: `${day}.jsonl`, input: file(day), lastModified: new Date(`${day}T00:00:00Z`) };
    }
  } finally {
    await reader.cancel();
  }
}
