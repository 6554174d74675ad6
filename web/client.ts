import { EventSourceParserStream } from "eventsource-parser/stream";
import type { GenerateInput } from "../core/dialects/minivault.ts";
import { VaultError } from "../core/errors.ts";
import type { LogRecord, Usage } from "../core/log/log-record.ts";
import type { ErrorCode, FinishReason, WireError } from "../core/protocol.ts";
import { randomId } from "../core/random-id.ts";

export interface Summary {
  readonly id: string;
  readonly model: string;
  readonly finish_reason: FinishReason;
  readonly usage: Usage;
  readonly timings: {
    readonly predicted_per_second: number;
    readonly prompt_ms: number;
    readonly queue_ms: number;
    /** For how long it was silent while another tab took the engine over. */
    readonly handover_ms?: number;
  };
}

export type AnswerEvent =
  | { readonly type: "token"; readonly text: string }
  | { readonly type: "done"; readonly summary: Summary };

/** The last one has a summary. */
type Data = { readonly token: string } & Partial<Summary>;

export interface CallOptions {
  /** Where the routes start. */
  readonly base?: string | URL;
  readonly signal?: AbortSignal;
}

export interface GenerateCall extends CallOptions {
  /** Names the stream: `resume()` goes on with it, also after a reload. */
  readonly requestId?: string;
}

/** Tries without a single new event: the service worker may be starting, or another tab be taking the engine over. */
const MAX_TRIES = 12;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 4_000;

/** What passes by itself. */
const WAIT_FOR: ReadonlySet<ErrorCode> = new Set(["stream-busy", "queue-full", "engine-absent", "engine-stuck"]);

/**
 * `for await (const event of generate({ prompt }))`; leaving the loop stops the model, and so does `signal`, after
 * which the loop just ends. A stream that is cut (the browser stops service workers as it likes) goes on by itself.
 * Throws a `VaultError`, also if it does not.
 */
export async function* generate(input: GenerateInput, options: GenerateCall = {}): AsyncGenerator<AnswerEvent, void> {
  const { base = location.href, requestId = randomId() } = options;
  yield* follow(requestId, options, (signal) =>
    fetch(new URL("generate/stream", base), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", "x-request-id": requestId },
      body: JSON.stringify(input),
      signal,
    }),
  );
}

/** The answer to an earlier request, from its first token on; it goes on if it was cut. Kept for five minutes. */
export const resume = (requestId: string, options: CallOptions = {}): AsyncGenerator<AnswerEvent, void> =>
  follow(requestId, options, null);

type Begin = (signal: AbortSignal) => Promise<Response>;

async function* follow(
  requestId: string,
  { base = location.href, signal }: CallOptions,
  begin: Begin | null,
): AsyncGenerator<AnswerEvent, void> {
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const goOn = (headers: HeadersInit) =>
    fetch(new URL(`generate/stream/${requestId}`, base), { headers, signal: either });
  let lastId: string | undefined;
  let isDone = false;
  let isBegun = begin === null;
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (tries > 0) await wait(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries), either);
      try {
        const response =
          begin && !isBegun ? await begin(either) : await goOn(lastId ? { "last-event-id": lastId } : {});
        if (response.status === 204) return;
        if (!isOurs(response)) throw new TypeError("The service worker was not started.");
        if (!response.ok || !response.body) throw await problem(response);
        isBegun = true;
        for await (const { id, event, data } of events(response.body)) {
          if (event === "error") throw VaultError.fromWire((JSON.parse(data) as { error: WireError }).error);
          if (data === "[DONE]") return;
          lastId = id;
          tries = 0;
          const { token, ...summary } = JSON.parse(data) as Data;
          if (token) yield { type: "token", text: token };
          if (!isSummary(summary) || isDone) continue;
          isDone = true;
          yield { type: "done", summary };
        }
      } catch (cause) {
        if (signal?.aborted) return;
        if (cause instanceof VaultError) {
          const isUnknown = cause.code === "stream-not-found" && begin !== null && lastId === undefined;
          const passes = isBegun ? WAIT_FOR.has(cause.code) : cause.code === "queue-full";
          if (isUnknown) isBegun = false;
          else if (!passes) throw cause;
        } else if (cause instanceof TypeError) {
          isBegun = true; // it may have arrived: asking for it tells
        } else throw cause;
      }
      if (isDone) return; // all but its end mark
    }
    throw new VaultError("engine-failed", CUT_OFF);
  } finally {
    left.abort();
  }
}

const CUT_OFF = "The answer was cut off before its end and does not go on. Send the request again.";

/** Where the service worker cannot be started, the browser asks the server instead, which knows nothing of it. */
const isOurs = ({ headers }: Response): boolean => headers.has("x-request-id");

const isSummary = (rest: Partial<Summary>): rest is Summary => rest.finish_reason !== undefined;

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The newest exchanges, newest first. */
export async function newestLogs(limit: number, { base = location.href }: CallOptions = {}): Promise<LogRecord[]> {
  const response = await fetch(new URL(`logs?order=desc&limit=${limit}`, base));
  if (!response.ok) throw await problem(response);
  const lines = (await response.text()).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogRecord);
}

/** A body that breaks throws a TypeError of the browser's own wording. */
async function* events(body: ReadableStream<Uint8Array>) {
  const text = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
  const reader = text.pipeThrough(new EventSourceParserStream()).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** Throws a TypeError, as a body that breaks does, if it is none of ours or not whole. */
async function problem(response: Response): Promise<VaultError> {
  try {
    return VaultError.fromWire((await response.json()) as WireError);
  } catch (cause) {
    throw new TypeError(`Something else answered, with status ${response.status}. Reload the page.`, { cause });
  }
}
