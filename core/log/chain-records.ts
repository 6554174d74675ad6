import { type Link, lastWith } from "./chain.ts";
import { hashOf, newSalt } from "./hash.ts";
import { LogLine } from "./log-line.ts";
import type { LogRecord } from "./log-schema.ts";

/** What is going on has no predecessor yet. */
export const isLinked = ({ prev_hash }: Pick<LogRecord, "prev_hash">): boolean => prev_hash !== null;

export const linkOf = (record: LogRecord): Link => ({ prev: record.prev_hash ?? "", hash: hashOf(record) });

/** A record that ended here goes behind the last one that did; one from elsewhere stays behind its own. */
export function append(last: string, record: LogRecord): { readonly link: Link; readonly line: LogLine } {
  const prev = record.prev_hash ?? last;
  const line = LogLine.of(isLinked(record) ? record : { ...record, prev_hash: prev, salt: record.salt || newSalt() });
  return { link: { prev, hash: line.hash }, line };
}

/** Records that are added one behind the other, as they are then. */
export function appendAll(last: string, records: readonly LogRecord[]) {
  const links: Link[] = [];
  const linked = records.map((record) => {
    const { link, line } = append(last, record);
    last = lastWith(last, link);
    links.push(link);
    return line.record;
  });
  return { links, linked };
}
