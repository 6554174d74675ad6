import type { ChatMessage, Device, FinishReason, OutputFormat, TokenEvent, WireError } from "./protocol.ts";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** One exchange, one line of JSONL; hence snake case. `null` is "not known", or "never got that far". */
export interface LogRecord {
  readonly schema: 2;
  readonly id: string;
  readonly request_id: string;
  /** The caller's W3C trace context. */
  readonly traceparent: string | null;
  /** When the request came in: ISO 8601, UTC. */
  readonly timestamp: string;
  /** Method and path. */
  readonly endpoint: string;
  readonly dialect: string | null;
  readonly mode: "full" | "stream" | null;
  /** A text, or token ids; `null` also where there are `messages`. */
  readonly prompt: string | readonly number[] | null;
  readonly messages: readonly ChatMessage[] | null;
  readonly response: string;
  readonly model: string | null;
  readonly device: Device | null;
  readonly options: LogOptions | null;
  readonly usage: Usage | null;
  /** `null` while the exchange is going on; `interrupted`: its host died before the end. Either may go on again. */
  readonly finish_reason: FinishReason | "cancelled" | "error" | "interrupted" | null;
  readonly error: (WireError & { readonly status: number }) | null;
  readonly queue_ms: number | null;
  readonly prompt_ms: number | null;
  /** From the request's arrival to its first token. */
  readonly ttft_ms: number | null;
  /** Of its last part, if the stream was continued. */
  readonly predicted_ms: number | null;
  readonly tokens_per_s: number | null;
  readonly duration_ms: number | null;
}

export interface LogOptions {
  readonly max_new_tokens: number;
  readonly temperature: number;
  readonly top_k: number;
  readonly top_p: number;
  readonly min_p: number;
  readonly typical_p: number;
  readonly repetition_penalty: number;
  readonly repeat_last_n: number;
  readonly frequency_penalty: number;
  readonly presence_penalty: number;
  readonly logit_bias: Readonly<Record<string, number>>;
  readonly format: OutputFormat | null;
  readonly stop: readonly string[];
  readonly seed: number;
}

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

export interface LogQuery {
  /** `desc`: newest first. */
  readonly order: "asc" | "desc";
  readonly limit: number;
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

export interface LogSink {
  /** Stores an open record at once. `replay`: for streams, whose events are kept until some minutes after the end. */
  begin(open: LogRecord, replay: Replay | null): Promise<OpenEntry>;
  /** The newest stream of this request or conversation id; `null` where none is kept (any more). */
  kept(name: string): Promise<KeptStream | null>;
  /** Opens a stream's record again. Rejects with `stream-busy` if another host is writing it. */
  reopen(kept: KeptStream): Promise<OpenEntry>;
  read(query: LogQuery): ReadableStream<LogRecord>;
  /** Sums over every exchange that ever ended here, whatever became of its record. */
  totals(): Promise<Totals>;
  /** Where the log lives; `null` where nobody can say. */
  storage(): Promise<StorageFacts | null>;
}
