import { type Chain, type Link, relink } from "./chain.ts";
import { hashOf, newSalt } from "./hash.ts";
import { LogLine } from "./log-line.ts";
import type { LogRecord } from "./log-schema.ts";

/** What is going on has no predecessor yet. */
export const isLinked = ({ prev_hash }: Pick<LogRecord, "prev_hash">): boolean => prev_hash !== null;

export const linkOf = (record: LogRecord): Link => ({ prev: record.prev_hash ?? "", hash: hashOf(record) });

/** A record that ended here goes behind the last one that did; one from elsewhere stays behind its own. */
export function append(chain: Chain, record: LogRecord): { readonly chain: Chain; readonly line: LogLine } {
  const prev = record.prev_hash ?? chain.last;
  const line = LogLine.of(isLinked(record) ? record : { ...record, prev_hash: prev, salt: record.salt || newSalt() });
  return { chain: relink(chain, { added: [{ prev, hash: line.hash }] }), line };
}

export const remove = (chain: Chain, records: readonly LogRecord[]): Chain =>
  relink(chain, { removed: records.filter(isLinked).map(linkOf) });
