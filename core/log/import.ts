import { reasonOf, VaultError } from "../errors.ts";
import { type Bytes, concat } from "../vault/bytes.ts";
import type { LogRecord, LogSink } from "./log-record.ts";
import { BadLines, readLine } from "./read-line.ts";

/** Lines that are stored together, or not at all. */
export const BATCH_LINES = 500;
/** Of a line, since what is longer is no record of ours; and of a batch, which is in memory. */
const MOST_BYTES = 32 * 1024 * 1024;
const LINE_FEED = 10;

export interface Imported {
  readonly imported: number;
  /** They are there already, by their id. */
  readonly skipped: number;
}

/**
 * Reads JSONL of any version's export into the log, some hundred lines at a time. A batch with a bad line is left out
 * whole, and where the source fails is a bad line. Throws `bad-import` at the end if there was one: it says which.
 */
export async function importLines(source: AsyncIterable<Bytes>, log: LogSink): Promise<Imported> {
  let imported = 0;
  let skipped = 0;
  let notStored = 0;
  const bad = new BadLines();
  let batch: LogRecord[] = [];
  let lines = 0;
  let bytes = 0;
  let badBefore = 0;

  const flush = async () => {
    if (bad.count > badBefore) notStored += batch.length;
    else if (batch.length > 0) {
      const added = await log.import(batch);
      imported += added;
      skipped += batch.length - added;
    }
    batch = [];
    lines = 0;
    bytes = 0;
    badBefore = bad.count;
  };
  for await (const { line, content, failure } of linesOf(source)) {
    const read = failure ?? readLine(content);
    if (read === null) continue;
    if (typeof read === "string") bad.add(line, read);
    else batch.push(read);
    bytes += content.length;
    if (++lines === BATCH_LINES || bytes > MOST_BYTES) await flush();
  }
  await flush();
  if (bad.count === 0) return { imported, skipped };
  throw new VaultError(
    "bad-import",
    `Not records of a log: ${bad}. ${imported} records were imported, ${skipped} were here already, ` +
      `${notStored} were left out since they came within ${BATCH_LINES} lines of a bad one. Mend those lines and send the file again.`,
  );
}

interface Line {
  readonly line: number;
  readonly content: Bytes;
  /** Nothing can be read from here on. */
  readonly failure?: string;
}

async function* linesOf(source: AsyncIterable<Bytes>): AsyncGenerator<Line, void> {
  let parts: Bytes[] = [];
  let length = 0;
  let line = 1;
  const take = (): Line => {
    const content = concat(...parts);
    parts = [];
    length = 0;
    return { line: line++, content };
  };
  try {
    for await (const chunk of source) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
        parts.push(chunk.subarray(from, end));
        from = end + 1;
        yield take();
      }
      parts.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > MOST_BYTES) throw new Error(`over ${MOST_BYTES} bytes`);
    }
    yield take();
  } catch (cause) {
    yield { line, content: new Uint8Array(), failure: reasonOf(cause) };
  }
}
