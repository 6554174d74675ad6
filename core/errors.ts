import type { ErrorCode, WireError } from "./protocol.ts";

/** HTTP status and title of each code, in one table so that tests and docs can walk it. */
export const ERRORS: Record<ErrorCode, { readonly status: number; readonly title: string }> = {
  "bad-request": { status: 400, title: "Bad request" },
  "bad-import": { status: 400, title: "Not records of a log" },
  "cross-site": { status: 403, title: "Cross-site request" },
  "wrong-passphrase": { status: 403, title: "Wrong passphrase" },
  "not-found": { status: 404, title: "Not found" },
  "model-not-found": { status: 404, title: "Model not found" },
  "no-recording": { status: 404, title: "Not recorded" },
  "stream-not-found": { status: 404, title: "Stream not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "reader-stalled": { status: 408, title: "Reader stalled" },
  "stream-busy": { status: 409, title: "Stream is being read" },
  "log-busy": { status: 409, title: "Record is open" },
  "vault-exists": { status: 409, title: "Log has a passphrase" },
  "vault-missing": { status: 409, title: "Log has no passphrase" },
  "body-too-large": { status: 413, title: "Body too large" },
  "prompt-too-long": { status: 422, title: "Prompt too long" },
  "not-replayable": { status: 422, title: "Record cannot be replayed" },
  "model-too-large": { status: 422, title: "Model too large for this device" },
  "vault-locked": { status: 423, title: "Log is locked" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "bad-config": { status: 500, title: "Bad configuration" },
  "log-failed": { status: 500, title: "Log failed" },
  "vault-damaged": { status: 500, title: "Vault damaged" },
  "engine-failed": { status: 500, title: "Engine failed" },
  "model-broken": { status: 500, title: "Model broken" },
  "vault-unsupported": { status: 501, title: "Log cannot be locked" },
  "queue-full": { status: 503, title: "Queue full" },
  "engine-absent": { status: 503, title: "No page hosts the engine" },
  "model-unavailable": { status: 503, title: "Model cannot be had" },
  "load-cancelled": { status: 503, title: "Load cancelled" },
  "engine-stuck": { status: 503, title: "Engine stuck" },
  "storage-full": { status: 507, title: "Storage full" },
  timeout: { status: 504, title: "Took too long" },
  "version-mismatch": { status: 503, title: "Versions do not match" },
};

interface VaultErrorOptions extends ErrorOptions {
  /** Headers that the response needs beside its body. */
  readonly headers?: Record<string, string>;
  /** The field of the body that is wrong. */
  readonly field?: string | null;
  /** Where a dialect's clients look for another one. */
  readonly status?: number;
}

/** A failure with a code. The message is a sentence for people that says what to do. */
export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly code: ErrorCode;
  readonly headers: Record<string, string>;
  readonly field: string | null;
  readonly status: number;

  constructor(code: ErrorCode, detail: string, options: VaultErrorOptions = {}) {
    super(detail, options);
    this.code = code;
    this.headers = options.headers ?? {};
    this.field = options.field ?? null;
    this.status = options.status ?? ERRORS[code].status;
  }

  toWire(): WireError {
    return { code: this.code, detail: this.message };
  }

  static fromWire({ code, detail }: WireError): VaultError {
    return new VaultError(code, detail);
  }
}

/** For a dialect whose clients look for words, a status or a field of an error before they go on. */
export const inWordsOf =
  (code: ErrorCode, words: string, options: VaultErrorOptions) =>
  (cause: unknown): never => {
    const isIt = cause instanceof VaultError && cause.code === code;
    throw isIt ? new VaultError(code, `${words} ${cause.message}`, { cause, ...options }) : cause;
  };

export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export function asVaultError(cause: unknown): VaultError {
  if (cause instanceof VaultError) return cause;
  const detail = `The engine failed: ${reasonOf(cause)}. Try again; reload the page if it persists.`;
  return new VaultError("engine-failed", detail, { cause });
}

/** Members of an RFC 9457 problem. https://www.rfc-editor.org/rfc/rfc9457 */
export function problemDetails({ code, detail }: WireError) {
  const { status, title } = ERRORS[code];
  return { type: `urn:minivault:error:${code}`, title, status, detail, code };
}
