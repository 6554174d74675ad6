import { newSalt } from "../core/log/hash.ts";
import { LogLine, parseRecord } from "../core/log/log-line.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { LOG_SCHEMA_VERSION } from "../core/log/log-schema.ts";
import { upgradeRecord } from "../core/log/upgrade-record.ts";
import type { TokenEvent } from "../core/protocol.ts";
import type { Opener } from "../core/vault/opener.ts";
import type { Sealed } from "../core/vault/sealed.ts";
import type { Sealer } from "../core/vault/sealer.ts";
import type { Row, SealedEvents } from "./tables.ts";

/** A record that may be sealed: the vault's log holds no other. */
export interface Sealable {
  readonly record: LogRecord;
  readonly sealed?: Sealed;
}

/** With the salt that its hash will need: once it is sealed nothing of it changes but its place. */
export async function sealRecord(sealer: Sealer, record: LogRecord): Promise<Sealable> {
  const salted = { ...record, salt: record.salt || newSalt() };
  return { record: salted, sealed: await sealer.seal(record.id, JSON.stringify(salted)) };
}

/** What of a sealed record anybody can read: its id and its place. */
export const stubOf = ({ schema, id, timestamp, timestamp_ns, prev_hash }: LogRecord): LogRecord =>
  ({ schema, id, timestamp, timestamp_ns, prev_hash }) as LogRecord;

/** Of a row that is not sealed. */
export function lineOf({ record, line }: Row): LogLine {
  if (!line) return LogLine.of(upgradeRecord(record));
  const stored = LogLine.read(record.id, line);
  return record.schema === LOG_SCHEMA_VERSION ? stored : LogLine.of(upgradeRecord(stored.record));
}

/** `opener`: `null` where there is no vault. */
export async function openRow(opener: Opener | null, row: Row): Promise<LogLine> {
  const { record, sealed } = row;
  if (!sealed || !opener) return lineOf(row);
  const { timestamp_ns, prev_hash = null } = record;
  const opened = parseRecord(record.id, await opener.open(record.id, sealed));
  return LogLine.of({ ...opened, timestamp_ns: timestamp_ns ?? opened.timestamp_ns, prev_hash });
}

const eventsId = (id: string, from: number): string => `${id} from ${from}`;

export const sealEvents = async (sealer: Sealer, id: string, from: number, events: readonly TokenEvent[]) => ({
  sealed: await sealer.seal(eventsId(id, from), JSON.stringify(events)),
});

export const openEvents = async (opener: Opener, id: string, from: number, { sealed }: SealedEvents) =>
  JSON.parse(await opener.open(eventsId(id, from), sealed)) as readonly TokenEvent[];
