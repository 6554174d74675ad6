import { VaultError } from "../errors.ts";
import type { LogOptions, LogRecord, Usage } from "../log/log-record.ts";
import { BadLines, readLine } from "../log/read-line.ts";
import { requestOf } from "../log/replay.ts";
import type { FinishReason, GenerateRequest } from "../protocol.ts";

/** An exchange that can be told again. */
export interface Recording {
  /** Among the others: the first is 0. */
  readonly place: number;
  readonly record: WholeRecord;
  readonly request: GenerateRequest;
}

/** It ended by itself, and all of it was logged. */
export interface WholeRecord extends LogRecord {
  readonly options: LogOptions;
  readonly usage: Usage;
  readonly finish_reason: FinishReason;
}

/**
 * Reads JSONL of any version's export, in the order of its lines. What is not whole is left out. Throws `model-broken`,
 * which names the lines that are no records.
 *
 * @param where the file, for people
 */
export function readRecordings(jsonl: string, where: string): readonly Recording[] {
  const recordings: Recording[] = [];
  const bad = new BadLines();
  for (const [index, content] of jsonl.split("\n").entries()) {
    const record = readLine(content);
    if (typeof record === "string") bad.add(index + 1, record);
    else if (record && isWhole(record))
      recordings.push({ place: recordings.length, record, request: requestOf(record) });
  }
  if (bad.count === 0) return recordings;
  throw new VaultError("model-broken", `${where} is no cassette: ${bad}. Mend it, or save /logs/export there again.`);
}

/** Errors are left out as well: they are the machine's, not the model's. */
const isWhole = (record: LogRecord): record is WholeRecord =>
  (record.finish_reason === "stop" || record.finish_reason === "length") &&
  record.level === "full" &&
  record.redacted === 0 &&
  (record.prompt !== null || record.messages !== null) &&
  record.options !== null &&
  record.usage !== null;
