import type { DBSchema, IDBPDatabase, IDBPObjectStore, IDBPTransaction } from "idb";
import type { Link } from "../core/log/chain.ts";
import type { SigningKey } from "../core/log/checkpoint.ts";
import type { Replay, SignedChain, Totals } from "../core/log/log-record.ts";
import type { StoredRecord } from "../core/log/upgrade-record.ts";
import type { Postings } from "../core/log/word-index.ts";
import type { TokenEvent } from "../core/protocol.ts";
import type { Sealed } from "../core/vault/sealed.ts";
import type { StoredVault } from "../core/vault/stored-vault.ts";

/** `owner` is there while the exchange is going on: a lock that its host holds while it lives. */
export interface Row {
  /** What tells its place, and its model; all of it only where an earlier version wrote the row. */
  readonly record: StoredRecord;
  readonly owner?: string;
  /** UTF-8 of the record's JSON, and a line feed; not there if it is sealed. */
  readonly line?: Uint8Array<ArrayBuffer>;
  /** Of the line; not there where a version wrote it that had no limits. */
  readonly bytes?: number;
  /** Where there is a vault: the record. */
  readonly sealed?: Sealed;
  /** Of the line without the line feed, of a record that has ended. */
  readonly hash?: string;
}

export interface SealedEvents {
  readonly sealed: Sealed;
}

/** Of all rows. */
export interface Size {
  readonly records: number;
  readonly bytes: number;
  /** The newest that this version wrote, or took in. */
  readonly lastKey: number;
  /** `records`, when a version that knows of words wrote last; else they may not be those of the log any more. */
  readonly indexed?: number;
}

/** What is known of the words of some keys of `logs`: see `segments.ts`. */
export interface SegmentRow {
  readonly segment: number;
  /** Of whoever is indexing it; `null` once that is done. */
  readonly claim: string | null;
  /** The first `timestamp_ns` in it, and the last one. */
  readonly fromNs: string;
  readonly toNs: string;
  readonly rows: number;
  /** How its words were cut; not there where a version wrote it that knew of one way. */
  readonly rules?: number;
  /** Places of rows whose words are not in the index: they have to be read. */
  readonly unread: readonly number[];
}

/** `hasNewEnds`: changes of ours left ends that are still to be signed off. */
export interface ChainRow extends SignedChain {
  readonly hasNewEnds: boolean;
}

/** What a stream needs to go on; `endedMs` is not there while it is under way. */
interface StreamRow {
  /** Of the record. */
  readonly id: string;
  readonly logKey: number;
  /** Request id and conversation id. */
  readonly names: readonly string[];
  readonly replay: Replay;
  readonly endedMs?: number;
}

export interface Schema extends DBSchema {
  /** By order of arrival. `time` is the order that is shown: what is imported has older timestamps. */
  logs: {
    key: number;
    value: Row;
    indexes: {
      owner: string;
      id: string;
      time: [ns: string, id: string];
      model: [model: string, ns: string, id: string];
    };
  };
  /** One row, written in the transactions that add, close and delete records. */
  size: { key: typeof SIZE; value: Size };
  /** Written in the transactions that close, add and delete records. */
  chain: { key: typeof CHAIN | typeof TAIL; value: ChainRow | Link };
  /** What checkpoints are signed with; the vault; whether there are still rows to be sealed; how often it was locked. */
  keys: {
    key: typeof SIGNING | typeof VAULT | typeof UNSEALED | typeof LOCKS;
    value: SigningKey | StoredVault | true | number;
  };
  /** One row, written in the transactions that close records: it counts each of them once. */
  totals: { key: typeof TOTALS; value: Totals };
  /** One row: the last `timestamp_ns`. */
  clock: { key: typeof LAST; value: string };
  segments: { key: number; value: SegmentRow };
  /** As many rows for each indexed segment as there are shards. */
  words: {
    key: [shard: number, segment: number];
    value: Postings & { readonly shard: number; readonly segment: number };
  };
  streams: { key: string; value: StreamRow; indexes: { names: string; endedMs: number } };
  /** By stream, and by how many came before. */
  events: { key: [id: string, from: number]; value: readonly TokenEvent[] | SealedEvents };
}

export type Database = IDBPDatabase<Schema>;
type Store = "logs" | "size" | "chain" | "keys" | "totals" | "clock" | "streams" | "events" | "segments" | "words";
export type Transaction = IDBPTransaction<Schema, Store[], "readwrite">;
export type ChainStore = IDBPObjectStore<Schema, ["chain"], "chain", "readwrite">;
/** Also that of an upgrade. */
export type Upgradable = Pick<IDBPTransaction<Schema, Store[], "readwrite" | "versionchange">, "objectStore">;

export const ALL: Store[] = [
  "logs",
  "size",
  "chain",
  "keys",
  "totals",
  "clock",
  "streams",
  "events",
  "segments",
  "words",
];
export const SIZE = "size";
export const CHAIN = "chain";
/** From the last record of the chain as it is stored to the last one of all: see `stored-chain.ts`. */
export const TAIL = "tail";
export const SIGNING = "signing";
export const VAULT = "vault";
export const UNSEALED = "unsealed";
export const LOCKS = "locks";
export const TOTALS = "totals";
export const LAST = "last";

/** The events of a stream, those after the first `from` of them. */
export const eventsOf = (id: string, from = 0): IDBKeyRange =>
  IDBKeyRange.bound([id, from], [id, Number.MAX_SAFE_INTEGER]);
