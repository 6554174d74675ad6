import { reasonOf, VaultError } from "../core/errors.ts";
import { whyForbidden } from "./policy.ts";

/** How long to wait for what. */
export interface Timing {
  /** For an answer to begin. */
  readonly connectMs: number;
  /** Without a byte, after which a connection counts as dead. */
  readonly stallMs: number;
  /** Before the first further try; doubled with each that brings nothing. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
  /** As many tries in a row may bring nothing. */
  readonly fruitlessTries: number;
  /** The same of an origin that has not been heard of: it is more likely out of reach than out of order. */
  readonly unheardTries: number;
}

/** Gives up a transfer after about a minute in which nothing came, and an origin that refuses at once after seconds. */
export const PATIENT: Timing = {
  connectMs: 10_000,
  stallMs: 20_000,
  backOffMs: 500,
  maxBackOffMs: 30_000,
  fruitlessTries: 8,
  unheardTries: 3,
};

/** What an origin may ask us to wait. */
const MAX_RETRY_AFTER_MS = 300_000;

export interface RetryOptions {
  readonly signal?: AbortSignal;
  readonly timing: Timing;
  /** Why nothing comes at the moment; `null`: something does again. */
  readonly onRetrying?: (reason: string | null) => void;
}

/** Worth another try. */
export class Passing extends Error {
  /** `null`: no answer came at all. */
  readonly retryAfterMs: number | null;

  constructor(reason: string, retryAfterMs: number | null = null) {
    super(reason);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Repeats the task for as long as it fails with `Passing`. `progress`: what it has achieved so far; a try that gets
 * further than any before is not counted. Rejects with `model-unavailable`, or with `load-cancelled` if the signal aborts.
 */
export async function withRetries<T>(
  url: string,
  { signal, timing, onRetrying }: RetryOptions,
  task: () => Promise<T>,
  progress = () => 0,
): Promise<T> {
  let furthest = progress();
  let heard = false;
  for (let fruitless = 0; ; ) {
    try {
      if (signal?.aborted) throw cancelled();
      return await task();
    } catch (cause) {
      if (signal?.aborted) throw cancelled();
      if (!(cause instanceof Passing)) throw cause;
      const further = progress() > furthest;
      heard ||= further || cause.retryAfterMs !== null;
      fruitless = further ? 0 : fruitless + 1;
      furthest = Math.max(furthest, progress());
      if (fruitless >= (heard ? timing.fruitlessTries : timing.unheardTries)) throw unavailable(url, cause);
      onRetrying?.(`${new URL(url).origin} ${cause.message}`);
      await pause(Math.max(cause.retryAfterMs ?? 0, backOffMs(fruitless, timing)), signal);
    }
  }
}

/** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
function backOffMs(fruitless: number, { backOffMs, maxBackOffMs }: Timing): number {
  const ms = Math.min(maxBackOffMs, backOffMs * 2 ** fruitless);
  return ms / 2 + (Math.random() * ms) / 2;
}

/** `close` ends the connection, and with it whatever still watches over it. */
export interface Connection {
  readonly response: Response;
  readonly close: () => void;
  /** Begins the wait for the next byte. */
  readonly expectMore: () => void;
}

/** An answer of any status that is final; the others are `Passing`, as is no answer. */
export async function send(
  url: string,
  headers: Record<string, string>,
  { signal, timing }: RetryOptions,
): Promise<Connection> {
  const connection = new AbortController();
  const abort = () => connection.abort();
  const dead = (reason: string) => () => connection.abort(new Passing(reason));
  let timer = setTimeout(dead("does not answer"), timing.connectMs);
  signal?.addEventListener("abort", abort);
  const close = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    abort();
  };
  const expectMore = () => {
    clearTimeout(timer);
    timer = setTimeout(dead("sends nothing any more"), timing.stallMs);
  };
  try {
    // `no-store`: the HTTP cache is a second copy, and breaks large bodies in Firefox (hybridgroup/yzma#317).
    const init = { headers, cache: "no-store", credentials: "omit", signal: connection.signal } as const;
    const response = await fetch(url, init).catch(async (cause: unknown) => {
      throw (await whyForbidden(url)) ?? asPassing("cannot be reached", cause);
    });
    if ([408, 429].includes(response.status) || response.status >= 500) {
      throw new Passing(`answers with status ${response.status}`, retryAfterMs(response));
    }
    expectMore();
    return { response, close, expectMore };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** A deadline has its own words. */
export const asPassing = (what: string, cause: unknown): Passing =>
  cause instanceof Passing ? cause : new Passing(`${what} (${reasonOf(cause)})`);

/** Seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterMs({ headers }: Response): number {
  const value = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.min(Math.max(ms || 0, 0), MAX_RETRY_AFTER_MS);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}

export const cancelled = (): VaultError =>
  new VaultError("load-cancelled", "The download was paused; what is here is kept. Ask again to go on with it.");

const unavailable = (url: string, cause: Passing): VaultError =>
  new VaultError(
    "model-unavailable",
    `${new URL(url).origin} ${cause.message}. Check the connection and try again: the download goes on where it stopped.`,
    { cause },
  );
