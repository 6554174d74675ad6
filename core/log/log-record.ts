import type { TokenEvent } from "../protocol.ts";
import type { Chain } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { LogLine } from "./log-line.ts";
import type { LogQuery } from "./log-query.ts";
import type { LogRecord } from "./log-schema.ts";

export type { LogOptions, LogRecord, Usage } from "./log-schema.ts";

/** Observations by bucket, not cumulative; the last one is beyond all bounds. */
export interface Histogram {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What `/metrics` counts. Plain data, stored beside the log, so that it survives whoever counted. */
export interface Totals {
  /** Ended exchanges; `outcome` is the reason why. */
  readonly requests: readonly { readonly dialect: string; readonly outcome: string; readonly count: number }[];
  readonly promptTokens: number;
  readonly promptSeconds: number;
  readonly predictedTokens: number;
  readonly predictedSeconds: number;
  /** Of one exchange, prompt and answer. */
  readonly longestTokens: number;
  readonly latency: Histogram;
  readonly ttft: Histogram;
}

/** Bytes; `persisted`: the browser will not evict them by itself. */
export interface StorageFacts {
  readonly used: number;
  readonly quota: number;
  readonly persisted: boolean;
}

/** How to ask for a stream again. */
export interface Replay {
  /** Below where the routes start. */
  readonly path: string;
  readonly accept: string;
  /** As it came. */
  readonly body: unknown;
  /** The one that was used, whoever chose it. */
  readonly seed: number;
  /** llama.cpp's `X-Conversation-Id`: another name for the stream. */
  readonly conversationId: string | null;
}

/** A stream that can be continued: what was asked, and as much of the answer as was kept. */
export interface KeptStream {
  readonly record: LogRecord;
  readonly replay: Replay;
  readonly events: readonly TokenEvent[];
}

/** A record that is open. */
export interface OpenEntry {
  /** Keeps what was said of a stream: the events after those before, without gaps. */
  keep(events: readonly TokenEvent[]): Promise<void>;
  /** Stores the end, and counts it in `totals`. */
  close(record: LogRecord, events: readonly TokenEvent[]): Promise<void>;
}

export interface SignedChain {
  readonly chain: Chain;
  readonly checkpoint: Checkpoint | null;
}

export interface VaultStatus {
  /** `none`: there is no passphrase, and nothing is sealed. */
  readonly state: "none" | "locked" | "unlocked";
  /** If nobody reads the log until then; ISO 8601. */
  readonly locks_at: string | null;
}

/** Records are sealed as they come, and only a passphrase opens them: see `core/vault/`. */
export interface LogVault {
  status(): Promise<VaultStatus>;
  /** Sets a passphrase, seals what is there, and leaves the log unlocked. Rejects with `vault-exists`. */
  create(passphrase: string, idleMs: number): Promise<void>;
  /** Rejects with `wrong-passphrase`, `vault-damaged`, or `vault-missing`. */
  unlock(passphrase: string, idleMs: number): Promise<void>;
  lock(): Promise<void>;
  changePassphrase(passphrase: string, next: string): Promise<void>;
}

export interface LogSink {
  /**
   * Stores an open record at once, with a `timestamp_ns` above all before it. `replay`: for streams, whose events are
   * kept until some minutes after the end.
   */
  begin(open: LogRecord, replay: Replay | null): Promise<OpenEntry>;
  /** Counts in `totals` an exchange of which nothing else is stored. */
  count(record: LogRecord): Promise<void>;
  /** The newest stream of this request or conversation id; `null` where none is kept (any more). */
  kept(name: string): Promise<KeptStream | null>;
  /** Opens a stream's record again. Rejects with `stream-busy` if another host is writing it. */
  reopen(kept: KeptStream): Promise<OpenEntry>;
  /** Pages of records, by time. */
  read(query: LogQuery): ReadableStream<readonly LogLine[]>;
  /** `null`: there is none of this id. */
  find(id: string): Promise<LogRecord | null>;
  /** Returns whether there was one. Rejects with `log-busy` if it is open. */
  delete(id: string): Promise<boolean>;
  /** Deletes what came before this `timestamp_ns`, but nothing that is open; returns how many. */
  deleteBefore(ns: string): Promise<number>;
  /** Stores these, all or none of them; returns how many it did not have yet. */
  import(records: readonly LogRecord[]): Promise<number>;
  /** How the records that are here are chained, and the checkpoint of its ends, if it has some: see `chain.ts`. */
  chain(): Promise<SignedChain>;
  /** Sums over every exchange that ever ended here, whatever became of its record. */
  totals(): Promise<Totals>;
  /** Where the log lives; `null` where nobody can say. */
  storage(): Promise<StorageFacts | null>;
  /** `null`: this log cannot be locked. */
  readonly vault: LogVault | null;
}
