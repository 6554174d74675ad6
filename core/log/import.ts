import { VaultError } from "../errors.ts";
import type { LogRecord, LogSink } from "./log-record.ts";
import { type BadLine, namesOf, readLine } from "./read-line.ts";

/** Lines that are stored together, or not at all. */
export const BATCH_LINES = 500;
/** Of a line: what is longer is no record of ours. */
const MAX_LINE = 32 * 1024 * 1024;

export interface Imported {
  readonly imported: number;
  /** They are there already, by their id. */
  readonly skipped: number;
}

/**
 * Reads JSONL of any version's export into the log, some hundred lines at a time. A batch with a bad line is left out
 * whole. Throws `bad-import` at the end if there was one: it says which.
 */
export async function importLines(text: ReadableStream<string>, log: LogSink): Promise<Imported> {
  let imported = 0;
  let skipped = 0;
  let notStored = 0;
  const bad: BadLine[] = [];
  let batch: LogRecord[] = [];
  let badInBatch = 0;
  let lines = 0;

  const flush = async () => {
    if (badInBatch > 0) notStored += batch.length;
    else if (batch.length > 0) {
      const added = await log.import(batch);
      imported += added;
      skipped += batch.length - added;
    }
    batch = [];
    badInBatch = 0;
  };
  for await (const { line, content } of linesOf(text)) {
    if (content.trim() !== "") {
      const read = readLine(content);
      if (typeof read === "string") {
        bad.push({ line, problem: read });
        badInBatch++;
      } else batch.push(read);
      lines++;
    }
    if (lines > 0 && lines % BATCH_LINES === 0) await flush();
  }
  await flush();
  if (bad.length === 0) return { imported, skipped };
  throw new VaultError(
    "bad-import",
    `Not records of a log: ${namesOf(bad)}. ${imported} records were imported, ${skipped} were here already, ` +
      `${notStored} were left out since they came within ${BATCH_LINES} lines of a bad one. Mend those lines and send the file again.`,
  );
}

async function* linesOf(text: ReadableStream<string>): AsyncGenerator<{ line: number; content: string }> {
  const reader = text.getReader();
  let rest = "";
  let line = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const parts = (rest + next.value).split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > MAX_LINE)
        throw new VaultError("body-too-large", `Line ${line + 1} is over ${MAX_LINE} characters.`);
      for (const content of parts) yield { line: ++line, content };
    }
    yield { line: line + 1, content: rest };
  } finally {
    await reader.cancel();
  }
}
