/**
 * Every type that crosses a thread. Imports nothing.
 * Durations are milliseconds (`Ms`), sizes are bytes (`Bytes`), counts are tokens (`Tokens`).
 */

/** Bump when any message below changes shape. The service worker refuses a page of another version. */
export const PROTOCOL_VERSION = 7;

// ── Generation ─────────────────────────────────────────────────────────────

/** How the next token is chosen. Neutral values switch a stage off. */
export interface Sampling {
  /** Divides the logits; 0 means greedy (always the likeliest token). */
  readonly temperature: number;
  /** Keeps the k likeliest tokens; 0 keeps all. */
  readonly topK: number;
  /** Keeps the smallest set of likeliest tokens whose probabilities reach this mass, in (0, 1]. */
  readonly topP: number;
  /** Drops tokens that are less likely than this share of the likeliest one, in [0, 1]; 0 keeps all. */
  readonly minP: number;
  /** Keeps the tokens whose information is nearest to the expected one, up to this mass, in (0, 1]. */
  readonly typicalP: number;
  /** Divides the positive logits of tokens seen before and multiplies the negative ones; 1 does nothing. */
  readonly repetitionPenalty: number;
  /** How many tokens back the repetition penalty looks, prompt included; -1 looks at all. */
  readonly repetitionWindow: number;
  /** Taken from a token's logit for each time that the answer has it; 0 does nothing. */
  readonly frequencyPenalty: number;
  /** Taken once from the logit of every token that the answer has; 0 does nothing. */
  readonly presencePenalty: number;
  /** Added to the logits. */
  readonly logitBias: readonly (readonly [tokenId: number, bias: number])[];
}

/** Always the likeliest token: every stage is off. */
export const GREEDY: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  repetitionPenalty: 1,
  repetitionWindow: -1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
};

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export type Prompt =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tokens"; readonly tokenIds: readonly number[] }
  /**
   * The model's chat template makes a text of it, or a plain one if it has none.
   * `instruction`: not a conversation; a model without a template of its own reads it as it stands.
   */
  | { readonly type: "chat"; readonly messages: readonly ChatMessage[]; readonly instruction: boolean };

export type JsonSchema = { readonly [key: string]: unknown };

/** What the answer must be; the grammar forbids every token that leads elsewhere. */
export type OutputFormat =
  | { readonly type: "json" }
  /** JSON Schema, 2020-12. */
  | { readonly type: "schema"; readonly schema: JsonSchema };

export interface GenerateRequest {
  /** `null` takes whichever model is loaded. */
  readonly model: string | null;
  readonly prompt: Prompt;
  readonly maxNewTokens: number;
  /** What the caller asked for; the model's own defaults fill the gaps. */
  readonly sampling: Partial<Sampling>;
  /** Generation ends before the first of these. */
  readonly stop: readonly string[];
  /** `null` draws one; the seed that was used is reported in `start`. */
  readonly seed: number | null;
  /** The seed is not the caller's: any other would have done. */
  readonly isSeedDrawn: boolean;
  /** `null`: any text. */
  readonly format: OutputFormat | null;
  /** How many alternatives are reported beside each token's log-probability; `null` reports none of it. */
  readonly logprobs: number | null;
  /** Report the prompt as well: as text and, with `logprobs`, token by token. */
  readonly echo: boolean;
  /** How long the model stays loaded afterwards; `null` leaves that as it is. */
  readonly keepAliveMs: number | null;
  /**
   * Tokens of the answer that are known already, because another engine came that far: they are not drawn again, but
   * computed and reported as they were. The answer goes on as it would have, given the same model and seed.
   */
  readonly continued: readonly number[];
}

/** A request with every choice made: repeat it on the same model and device and the same tokens come out. */
export interface GenerateOptions extends Sampling {
  /** Already cut to what the context has room for. */
  readonly maxNewTokens: number;
  /** The caller's; those of the chat template are not among them. */
  readonly stop: readonly string[];
  readonly seed: number;
  readonly format: OutputFormat | null;
}

export interface Token {
  readonly tokenId: number;
  /** Half a character reads as U+FFFD; `bytes` has the whole truth. */
  readonly text: string;
  readonly bytes: readonly number[];
}

/** `logprob`: natural logarithm of the probability that the model itself gave the token, before any sampling option. */
export interface ScoredToken extends Token {
  readonly logprob: number;
}

/** `logprob` is `null` for the first token of a prompt, which nothing precedes. */
export interface TokenScore extends Token {
  readonly logprob: number | null;
  /** Likeliest first. */
  readonly top: readonly ScoredToken[];
  /**
   * Code points before it in the text of the answer, which begins with the echo if there is one. A token that goes on
   * with a character begins where that does. A stop string may cut the text before it; white space that is dropped at
   * the start of a chat's turn counts.
   */
  readonly offset: number;
}

export type FinishReason = "stop" | "length";

export type TokenEvent =
  /** The prompt is in the KV cache. */
  | {
      readonly type: "start";
      readonly model: string;
      /** What computes it. */
      readonly engine: string;
      readonly device: Device;
      readonly promptTokens: number;
      readonly prefillMs: number;
      readonly options: GenerateOptions;
      /** If the request asked for it; `tokens` with log-probabilities only. */
      readonly echo: { readonly text: string; readonly tokens: readonly TokenScore[] | null } | null;
    }
  /** One per sampled token. `text` may be empty: half a character, or the possible start of a stop string. */
  | {
      readonly type: "token";
      readonly index: number;
      readonly tokenId: number;
      readonly text: string;
      readonly score: TokenScore | null;
    }
  /** `text` is what had been held back. `decodeMs` spans from the first logits to the last token. */
  | {
      readonly type: "done";
      readonly text: string;
      readonly finishReason: FinishReason;
      readonly newTokens: number;
      readonly decodeMs: number;
      /** From the last token of an engine that was lost to the first of the next one, if any was lost. */
      readonly handoverMs?: number;
    }
  /** Ends a stream that failed after its status line was sent. */
  | { readonly type: "error"; readonly error: WireError };

// ── Engine ─────────────────────────────────────────────────────────────────

export type Device = "webgpu" | "wasm" | "cpu";

/** A model as it introduces itself. Texts are empty where nobody said. */
export interface ModelCard {
  readonly name: string;
  /** Of the architecture: `gpt2`. */
  readonly family: string;
  /** `82M`. */
  readonly parameters: string;
  /** Of the weights: `F32`, `F16`, `Q8`. */
  readonly precision: string;
  /** Of all files that were read to load it; 0 if that is not known. */
  readonly sizeBytes: number;
  /** SHA-256 of what identifies the weights: repository and file. Hexadecimal; empty in an insecure context. */
  readonly digest: string;
  /** When it was loaded, in milliseconds since 1970. */
  readonly loadedMs: number;
  readonly licence: string;
  readonly contextTokens: number;
  readonly vocabularySize: number;
  /** Jinja. */
  readonly chatTemplate: string;
  readonly endToken: string;
  readonly defaults: Sampling;
}

interface ModelInfo {
  readonly model: string;
  readonly card: ModelCard;
  readonly device: Device;
  /** Threads of the WASM runtime; 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  readonly contextTokens: number;
  readonly loadMs: number;
  /** When it will be unloaded, if nobody uses it, in milliseconds since 1970; `null`: never. */
  readonly expiresMs: number | null;
  /** Set when this is not the model (or device) that the configuration asks for. */
  readonly fallback: Fallback | null;
  readonly selfCheck: SelfCheck;
  /** What the device does badly with these weights, as a sentence. Left out: nothing. */
  readonly caution?: string;
  /** All that are loaded, this one included; the one that was used last comes first. */
  readonly residents: readonly Resident[];
}

/** What `engine/self-check.ts` found after the load. A model that fails is not used. */
export interface SelfCheck {
  readonly durationMs: number;
  /** Largest difference of a logit between one pass and token by token, as a share of their range. */
  readonly deviation: number;
}

interface Resident {
  readonly model: string;
  readonly card: ModelCard;
  readonly device: Device;
  readonly expiresMs: number | null;
}

export interface Fallback {
  /** A model, or a device. */
  readonly wanted: string;
  /** A sentence for people. */
  readonly reason: string;
}

export interface Progress {
  readonly loadedBytes: number;
  /** Of the files known so far. */
  readonly totalBytes: number;
}

/** What a worker is busy with while no model, or another one, answers. */
export interface Loading extends Progress {
  readonly model: string;
  /** `starting`: its files are here, and the runtime reads them. */
  readonly phase: "downloading" | "starting";
}

export type EngineStatus = EngineState & {
  /** Why models are fetched anew at each visit, as a sentence for people. Left out: they are kept. */
  readonly notKept?: string;
};

type EngineState =
  /** No page hosts an engine, or it has not been asked to load yet. */
  | { readonly state: "absent" }
  | ({ readonly state: "loading" } & Loading)
  | ({
      readonly state: "ready";
      readonly uptimeMs: number;
      /** Another model is on its way while this one answers. */
      readonly loading: Loading | null;
    } & ModelInfo)
  /** On request, or after its `keepAlive`: the next request loads it again. */
  | { readonly state: "unloaded"; readonly card: ModelCard }
  | { readonly state: "failed"; readonly error: WireError };

/** A model that a request may name, as the library sees it. */
export interface ListedModel {
  readonly name: string;
  readonly repo: string;
  readonly source: "embedded" | "site" | "hub" | "import";
  readonly parameters: string;
  readonly licence: string;
  readonly contextTokens: number | null;
  /** What this device would download, or has; `null` if only the hub knows. */
  readonly sizeBytes: number | null;
  readonly files: ModelState;
}

/** Of a model's files. */
export type ModelState =
  /** Not here. */
  | { readonly state: "remote" }
  /** A part is here, and nobody fetches the rest. */
  | ({ readonly state: "paused" } & Progress)
  | ({
      readonly state: "downloading";
      readonly bytesPerSecond: number;
      /** Why nothing comes at the moment, and that it is tried again. */
      readonly retrying: string | null;
    } & Progress)
  | ({ readonly state: "failed"; readonly error: WireError } & Progress)
  /** Here, or in the app itself. */
  | { readonly state: "stored" };

/** Questions with one answer each; all of them reject with a `VaultError`. */
interface EngineCalls {
  /** Never starts a load. */
  status(): Promise<EngineStatus>;
  /**
   * Whether `generate` can be asked this, answered without taking a turn. Waits for the model to load.
   * Rejects with `bad-request`, `prompt-too-long`, `model-not-found`, `engine-absent` or `engine-failed`.
   */
  admit(request: GenerateRequest): Promise<void>;
  load(model: string | null, keepAliveMs: number | null): Promise<void>;
  /** Frees the model's memory, once nobody uses it; stops a load that is under way. */
  unload(model: string | null): Promise<void>;
  /** Never starts a load. */
  models(): Promise<readonly ListedModel[]>;
  /** Begins, or goes on with, the download of what this device needs of a model: `models()` tells how it goes. */
  pull(model: string): Promise<void>;
  /** Stops a download; what is here is kept. */
  pause(model: string): Promise<void>;
  /** Unloads a model and deletes its files. */
  remove(model: string): Promise<void>;
  /**
   * `special`: with the tokens that the tokenizer puts around a prompt.
   * `control`: control tokens that are spelled out in the text are read as such, and not as text.
   */
  tokenise(text: string, special: boolean, control: boolean): Promise<readonly Token[]>;
  /** With control tokens spelled out. */
  detokenise(tokenIds: readonly number[]): Promise<string>;
}

export interface Engine extends EngineCalls {
  /** Errors with a `VaultError`; cancelling the stream stops the model within one token. */
  generate(request: GenerateRequest): ReadableStream<TokenEvent>;
}

// ── Errors ─────────────────────────────────────────────────────────────────

export type ErrorCode =
  | "bad-request"
  /** It would change something, and may come from another site: see `cross-site.ts`. */
  | "cross-site"
  | "body-too-large"
  | "prompt-too-long"
  | "not-found"
  | "method-not-allowed"
  | "model-not-found"
  /** Of a cassette: it was not recorded what this request is answered. */
  | "no-recording"
  /** The hub cannot be reached, or does not send what it promised. */
  | "model-unavailable"
  /** Its files are not what they should be, or no device computes it rightly. */
  | "model-broken"
  | "model-too-large"
  | "storage-full"
  | "load-cancelled"
  | "rate-limited"
  | "queue-full"
  | "engine-absent"
  | "engine-stuck"
  | "reader-stalled"
  | "stream-not-found"
  | "stream-busy"
  | "log-busy"
  | "bad-import"
  | "not-replayable"
  | "vault-exists"
  | "vault-missing"
  | "vault-locked"
  | "wrong-passphrase"
  /** The vault, or a text that it sealed, is not what was stored. */
  | "vault-damaged"
  | "vault-unsupported"
  | "timeout"
  | "version-mismatch"
  | "bad-config"
  | "log-failed"
  | "engine-failed";

export interface WireError {
  readonly code: ErrorCode;
  readonly detail: string;
}

// ── Port: host (service worker) ⇄ engine (dedicated worker) ────────────────

export type EngineCall = {
  [Method in keyof EngineCalls]: { readonly method: Method; readonly args: Parameters<EngineCalls[Method]> };
}[keyof EngineCalls];

export type HostToEngine =
  | { readonly type: "call"; readonly id: number; readonly call: EngineCall }
  /** `credits`: how many events may be sent before more are granted. */
  | { readonly type: "generate"; readonly id: number; readonly request: GenerateRequest; readonly credits: number }
  | { readonly type: "credit"; readonly id: number; readonly credits: number }
  | { readonly type: "cancel"; readonly id: number };

export type EngineToHost =
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "event"; readonly id: number; readonly event: TokenEvent }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "fail"; readonly id: number; readonly error: WireError };

// ── Brokering: host (service worker, or page) ⇄ page ⇄ engine worker ───────

export type SwToPage =
  /** To every page: whoever hosts the engine answers with a port. */
  | { readonly type: "need-engine" }
  /** To every page: the worker that holds this lock has stopped answering. Its page replaces it. */
  | { readonly type: "engine-stuck"; readonly aliveLock: string }
  /** To one page, when the page that hosts the engine does not answer either: take its place. */
  | { readonly type: "take-over" }
  /** To every page: answers are being streamed. The hosting page pings `PING_PATH` until the answer is 205. */
  | { readonly type: "keep-alive" }
  /** To every page, from a worker of any version: one that can offer an update names its script on the port. */
  | { readonly type: "are-you-working" };

export type PageToSw =
  | {
      readonly type: "engine-port";
      readonly version: number;
      readonly port: Port;
      /** Web Lock that the engine's worker holds while it lives: ports do not tell when their other end dies. */
      readonly aliveLock: string;
    }
  /** The hosting page cannot start its worker, or has given it up. */
  | { readonly type: "engine-failed"; readonly version: number; readonly error: WireError }
  /** From a page that a forced reload left uncontrolled. */
  | { readonly type: "claim" };

export type PageToEngine =
  /** `baseUrl`: where `minivault.config.json` and `models/` are. `aliveLock`: to be held from now on. */
  | {
      readonly type: "start";
      readonly baseUrl: string;
      readonly aliveLock: string;
      /** What a worker before this one could not work with. */
      readonly avoid: readonly Avoidable[];
    }
  /** A new port replaces the last one of the same host: whoever asked for it has forgotten that. */
  | { readonly type: "attach"; readonly port: Port; readonly host: "service-worker" | "page" };

export type Avoidable = "webgpu" | "threads";

export type EngineToPage =
  /** Once the worker holds its lock; not earlier, or it would be taken for dead. */
  | { readonly type: "alive" }
  /** Its first download has begun, and a worker cannot ask the browser to keep what comes. */
  | { readonly type: "downloading" }
  /** It needs to be replaced: what it computes with is lost, and only a new worker can begin anew. */
  | { readonly type: "broken"; readonly part: Avoidable; readonly reason: string };

/** Web Lock of the page that hosts the engine for all pages of the origin. */
export const ENGINE_LOCK = "minivault-engine";

/** Web Lock that visible pages share: who is granted `ENGINE_LOCK` while hidden lets them go first. */
export const VISIBLE_LOCK = "minivault-visible";

/** Web Lock that a host shares while it streams answers: an update waits until nobody does. */
export const STREAMS_LOCK = "minivault-streams";

/** Below where the routes start: answered by the service worker itself, 204 while it streams answers, else 205. */
export const PING_PATH = "__ping";

/** Broadcast channel between the engine worker and all pages of the origin. */
export const STATUS_CHANNEL = "minivault-engine";

export type StatusMessage =
  | { readonly type: "status"; readonly status: EngineStatus }
  | { readonly type: "models"; readonly models: readonly ListedModel[] }
  /** Both are told again. */
  | { readonly type: "ask-status" }
  /** Try the configured model again, while the fallback goes on answering. */
  | { readonly type: "ask-retry" };

/** Broadcast channel on which every change of the log is announced, without its content. */
export const LOG_CHANNEL = "minivault-log";

export type LogMessage =
  | { readonly type: "changed" }
  /** An exchange could not be stored; `reason` is a sentence that says what to do. */
  | { readonly type: "failed"; readonly reason: string };

// ── Bringing a model: page ⇄ import worker ─────────────────────────────────

/** A file that somebody picked: a handle, whose bytes nobody has read yet. */
export interface PickedFile {
  /** Within what was picked: `my-model/onnx/model.onnx`, or a bare name. */
  readonly path: string;
  readonly file: Blob;
}

export type PageToImport =
  /** `taken`: names that the model must not get. */
  | { readonly type: "import"; readonly files: readonly PickedFile[]; readonly taken: readonly string[] }
  /** What is stored of it so far is deleted. */
  | { readonly type: "cancel" };

export type ImportToPage =
  | ({ readonly type: "progress"; readonly name: string } & Progress)
  | { readonly type: "stored"; readonly name: string }
  | { readonly type: "cancelled" }
  /** A sentence for each of all that is wrong. */
  | { readonly type: "refused"; readonly problems: readonly string[] };

/** The part of `MessagePort` that we use; Node's has it too. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  start(): void;
  close(): void;
}
