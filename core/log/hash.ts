import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { LogRecord } from "./log-schema.ts";

/** SHA-256 of a record's line, without the line feed. Not `crypto.subtle`: a transaction does not wait for that. */
export const hashOfLine = (line: Uint8Array): string => bytesToHex(sha256(line));
export const hashOf = (record: LogRecord): string => hashOfLine(utf8ToBytes(JSON.stringify(record)));

/** Where each `salt` comes from: with it, a hash tells nothing of the texts that it is of. */
export const newSalt = (): string => bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
