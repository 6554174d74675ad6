import { type LogLevel, withoutTexts } from "./log-level.ts";
import type { LogRecord } from "./log-record.ts";
import type { Redactor } from "./redact.ts";
import { redactRecord } from "./redact-record.ts";

/** What may be stored of an exchange. */
export interface LogRules {
  readonly level: LogLevel;
  /** `null`: texts are stored as they are. */
  readonly redactor: Redactor | null;
}

export const LOG_ALL: LogRules = { level: "full", redactor: null };

/** The record as it may be stored. */
export function storable(record: LogRecord, { level, redactor }: LogRules): LogRecord {
  if (level !== "full") return withoutTexts(record);
  return redactor ? redactRecord(record, redactor) : record;
}
