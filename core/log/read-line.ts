import { isDeeperThan, MAX_DEPTH } from "../read-body.ts";
import type { LogRecord } from "./log-record.ts";
import { whyNoRecord } from "./log-schema.ts";
import { type StoredRecord, upgradeRecord } from "./upgrade-record.ts";

/** A record holds the schema of a body, a few levels further in. */
const MAX_LINE_DEPTH = MAX_DEPTH + 20;

/** More are only counted. */
const NAMED = 20;
/** Of what is wrong with one: it may quote all of the line. */
const MOST_CHARACTERS = 200;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The record of a line of JSONL, of any version; or what is wrong with it. `null`: it is empty. */
export function readLine(content: string | Uint8Array): LogRecord | string | null {
  let value: unknown;
  try {
    const text = typeof content === "string" ? content : utf8.decode(content);
    if (text.trim() === "") return null;
    value = JSON.parse(text);
  } catch (cause) {
    return cause instanceof TypeError ? "not UTF-8" : "not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "not an object";
  if (isDeeperThan(MAX_LINE_DEPTH, value)) return `nested more than ${MAX_LINE_DEPTH} levels deep`;
  const record = upgradeRecord(value as StoredRecord);
  return whyNoRecord(record) ?? record;
}

/** Lines that are no records, for people. */
export class BadLines {
  readonly #named: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param line the first one is 1 */
  add(line: number, problem: string): void {
    if (this.#count++ < NAMED) this.#named.push(`line ${line} (${problem.slice(0, MOST_CHARACTERS)})`);
  }

  toString(): string {
    const more = this.#count - this.#named.length;
    return this.#named.join("; ") + (more > 0 ? `, and ${more} more` : "");
  }
}
