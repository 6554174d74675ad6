import type { LogRecord } from "./log-record.ts";
import { whyNoRecord } from "./log-schema.ts";
import { type StoredRecord, upgradeRecord } from "./upgrade-record.ts";

export interface BadLine {
  /** The first one is 1. */
  readonly line: number;
  readonly problem: string;
}

/** More are only counted. */
const NAMED = 20;

/** The record of a line of JSONL, of any version; or what is wrong with it. */
export function readLine(content: string): LogRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return "not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "not an object";
  const record = upgradeRecord(value as StoredRecord);
  return whyNoRecord(record) ?? record;
}

/** For people. */
export function namesOf(bad: readonly BadLine[]): string {
  const named = bad.slice(0, NAMED).map(({ line, problem }) => `line ${line} (${problem})`);
  return named.join("; ") + (bad.length > NAMED ? `, and ${bad.length - NAMED} more` : "");
}
