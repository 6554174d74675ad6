import { VaultError } from "../errors.ts";
import { hashOfLine } from "./hash.ts";
import type { LogRecord } from "./log-schema.ts";

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder();

/** A record and its line, each made of the other when it is asked for: who copies lines reads no JSON. */
export class LogLine {
  readonly id: string;
  #record: LogRecord | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #hash: string | undefined;

  private constructor(id: string, record?: LogRecord, bytes?: Uint8Array<ArrayBuffer>) {
    this.id = id;
    this.#record = record;
    this.#bytes = bytes;
  }

  static of(record: LogRecord): LogLine {
    return new LogLine(record.id, record);
  }

  /** @param bytes as `bytes` of a line of this schema version */
  static read(id: string, bytes: Uint8Array<ArrayBuffer>): LogLine {
    return new LogLine(id, undefined, bytes);
  }

  /** Throws `log-failed` if what was stored is not what was written. */
  get record(): LogRecord {
    this.#record ??= parseRecord(this.id, this.text);
    return this.#record;
  }

  /** `null` where `record` throws. */
  get readable(): LogRecord | null {
    try {
      return this.record;
    } catch {
      return null;
    }
  }

  /** Without the line feed. */
  get text(): string {
    return utf8Text.decode(this.bytes.subarray(0, -1));
  }

  /** JSON in UTF-8, and a line feed. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#bytes ??= utf8.encode(`${JSON.stringify(this.#record)}\n`);
    return this.#bytes;
  }

  /** Of the line without its line feed. */
  get hash(): string {
    this.#hash ??= hashOfLine(this.bytes.subarray(0, -1));
    return this.#hash;
  }
}

/** Throws `log-failed` if it is none. */
export function parseRecord(id: string, text: string): LogRecord {
  try {
    return JSON.parse(text) as LogRecord;
  } catch {
    throw new VaultError("log-failed", `Record ${id} is damaged. DELETE /logs/${id} parts with it.`);
  }
}

/** One behind the other. */
export function joined(lines: readonly LogLine[]): Uint8Array {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.bytes.length, 0));
  let end = 0;
  for (const line of lines) {
    bytes.set(line.bytes, end);
    end += line.bytes.length;
  }
  return bytes;
}
