/**
 * Every type that crosses a thread. Imports nothing.
 * Durations are milliseconds (`Ms`), sizes are bytes (`Bytes`), counts are tokens (`Tokens`).
 */

/** Bump when any message below changes shape. The service worker refuses a page of another version. */
export const PROTOCOL_VERSION = 1;

// ── Generation ─────────────────────────────────────────────────────────────

/** How the next token is chosen. Neutral values switch a stage off. */
export interface Sampling {
  /** Divides the logits; 0 means greedy (always the likeliest token). */
  readonly temperature: number;
  /** Keeps the k likeliest tokens; 0 keeps all. */
  readonly topK: number;
  /** Keeps the smallest set of likeliest tokens whose probabilities reach this mass, in (0, 1]. */
  readonly topP: number;
  /** Divides the positive logits of tokens seen before and multiplies the negative ones; 1 does nothing. */
  readonly repetitionPenalty: number;
}

export interface GenerateRequest {
  /** `null` takes whichever model is loaded. */
  readonly model: string | null;
  readonly prompt: string;
  readonly maxNewTokens: number;
  /** What the caller asked for; the model's own defaults fill the gaps. */
  readonly sampling: Partial<Sampling>;
  /** Generation ends before the first of these. */
  readonly stop: readonly string[];
  /** `null` draws one; the seed that was used is reported in `start`. */
  readonly seed: number | null;
}

/** A request with every choice made: repeat it on the same model and device and the same tokens come out. */
export interface GenerateOptions extends Sampling {
  /** Already cut to what the context has room for. */
  readonly maxNewTokens: number;
  readonly stop: readonly string[];
  readonly seed: number;
}

export type FinishReason = "stop" | "length";

export type TokenEvent =
  /** The prompt is in the KV cache. */
  | {
      readonly type: "start";
      readonly model: string;
      readonly device: Device;
      readonly promptTokens: number;
      readonly prefillMs: number;
      readonly options: GenerateOptions;
    }
  /** One per sampled token. `text` may be empty: half a character, or the possible start of a stop string. */
  | { readonly type: "token"; readonly index: number; readonly tokenId: number; readonly text: string }
  /** `text` is what had been held back. `decodeMs` spans from the first logits to the last token. */
  | {
      readonly type: "done";
      readonly text: string;
      readonly finishReason: FinishReason;
      readonly newTokens: number;
      readonly decodeMs: number;
    }
  /** Ends a stream that failed after its status line was sent. */
  | { readonly type: "error"; readonly error: WireError };

// ── Engine ─────────────────────────────────────────────────────────────────

export type Device = "webgpu" | "wasm" | "cpu";

interface ModelInfo {
  readonly model: string;
  readonly device: Device;
  /** Threads of the WASM runtime; 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  readonly contextTokens: number;
  readonly loadMs: number;
  /** Set when this is not the model (or device) that the configuration asks for. */
  readonly fallback: Fallback | null;
}

export interface Fallback {
  readonly wanted: string;
  /** A sentence for people. */
  readonly reason: string;
}

export interface Progress {
  readonly loadedBytes: number;
  /** Of the files known so far. */
  readonly totalBytes: number;
}

export type EngineStatus =
  /** No page hosts an engine, or it has not been asked to load yet. */
  | { readonly state: "absent" }
  | ({ readonly state: "loading"; readonly model: string } & Progress)
  | ({
      readonly state: "ready";
      readonly uptimeMs: number;
      /** The wanted model is on its way while the fallback answers. */
      readonly retrying: Progress | null;
    } & ModelInfo)
  | { readonly state: "failed"; readonly error: WireError };

export interface Engine {
  status(): Promise<EngineStatus>;
  /**
   * Whether `generate` can be asked this, answered without taking a turn. Waits for the model to load.
   * Rejects with `prompt-too-long`, `model-not-found`, `engine-absent` or `engine-failed`.
   */
  admit(request: GenerateRequest): Promise<void>;
  /** Errors with a `VaultError`; cancelling the stream stops the model within one token. */
  generate(request: GenerateRequest): ReadableStream<TokenEvent>;
}

// ── Errors ─────────────────────────────────────────────────────────────────

export type ErrorCode =
  | "bad-request"
  | "body-too-large"
  | "prompt-too-long"
  | "not-found"
  | "method-not-allowed"
  | "model-not-found"
  | "queue-full"
  | "engine-absent"
  | "version-mismatch"
  | "bad-config"
  | "log-failed"
  | "engine-failed";

export interface WireError {
  readonly code: ErrorCode;
  readonly detail: string;
}

// ── Port: host (service worker) ⇄ engine (dedicated worker) ────────────────

export type HostToEngine =
  | { readonly type: "status"; readonly id: number }
  | { readonly type: "admit"; readonly id: number; readonly request: GenerateRequest }
  /** `credits`: how many events may be sent before more are granted. */
  | { readonly type: "generate"; readonly id: number; readonly request: GenerateRequest; readonly credits: number }
  | { readonly type: "credit"; readonly id: number; readonly credits: number }
  | { readonly type: "cancel"; readonly id: number };

export type EngineToHost =
  | { readonly type: "status"; readonly id: number; readonly status: EngineStatus }
  | { readonly type: "admitted"; readonly id: number }
  | { readonly type: "event"; readonly id: number; readonly event: TokenEvent }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "fail"; readonly id: number; readonly error: WireError };

// ── Brokering: service worker ⇄ page → engine worker ───────────────────────

/** To every page: whoever hosts the engine answers with a port. */
export type SwToPage = { readonly type: "need-engine" };

export type PageToSw =
  | {
      readonly type: "engine-port";
      readonly version: number;
      readonly port: Port;
      /** Web Lock that the page holds while it lives: ports do not tell when their other end dies. */
      readonly aliveLock: string;
    }
  /** From a page that a forced reload left uncontrolled. */
  | { readonly type: "claim" };

export type PageToEngine =
  /** `baseUrl`: where `minivault.config.json` and `models/` are. */
  | { readonly type: "start"; readonly baseUrl: string }
  /** A new port replaces the last one: whoever asked for it has forgotten that. */
  | { readonly type: "attach"; readonly port: Port };

/** Broadcast channel between the engine worker and all pages of the origin. */
export const STATUS_CHANNEL = "minivault-engine";

export type StatusMessage =
  | { readonly type: "status"; readonly status: EngineStatus }
  | { readonly type: "ask-status" }
  /** Try the configured model again, while the fallback goes on answering. */
  | { readonly type: "ask-retry" };

/** Broadcast channel on which every change of the log is announced, without its content. */
export const LOG_CHANNEL = "minivault-log";

/** The part of `MessagePort` that we use; Node's has it too. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  start(): void;
  close(): void;
}

// ── Log ────────────────────────────────────────────────────────────────────

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** One exchange, one line of JSONL; hence snake case. `null` is "not known", or "never got that far". */
export interface LogRecord {
  readonly schema: 1;
  readonly id: string;
  readonly request_id: string;
  /** When the request came in: ISO 8601, UTC. */
  readonly timestamp: string;
  /** Method and path. */
  readonly endpoint: string;
  readonly mode: "full" | "stream" | null;
  readonly prompt: string | null;
  readonly response: string;
  readonly model: string | null;
  readonly device: Device | null;
  readonly options: LogOptions | null;
  readonly usage: Usage | null;
  /** `null` while the exchange is going on; `interrupted`: its host died before the end. */
  readonly finish_reason: FinishReason | "cancelled" | "error" | "interrupted" | null;
  readonly error: (WireError & { readonly status: number }) | null;
  readonly queue_ms: number | null;
  /** From the request's arrival to its first token. */
  readonly ttft_ms: number | null;
  readonly tokens_per_s: number | null;
  readonly duration_ms: number | null;
}

export interface LogOptions {
  readonly max_new_tokens: number;
  readonly temperature: number;
  readonly top_k: number;
  readonly top_p: number;
  readonly repetition_penalty: number;
  readonly stop: readonly string[];
  readonly seed: number;
}

export interface LogQuery {
  /** `desc`: newest first. */
  readonly order: "asc" | "desc";
  readonly limit: number;
}

export interface LogSink {
  /** Stores an open record at once; the function that comes back stores its end. */
  begin(open: LogRecord): Promise<(closed: LogRecord) => Promise<void>>;
  read(query: LogQuery): ReadableStream<LogRecord>;
}
