import type { GenerateInput } from "../core/dialects/minivault.ts";
import { VaultError } from "../core/errors.ts";
import type { LogRecord, Usage } from "../core/log-record.ts";
import type { ErrorCode, FinishReason } from "../core/protocol.ts";

export interface Summary {
  readonly id: string;
  readonly model: string;
  readonly finish_reason: FinishReason;
  readonly usage: Usage;
  readonly timings: { readonly predicted_per_second: number; readonly prompt_ms: number; readonly queue_ms: number };
}

export type AnswerEvent =
  | { readonly type: "token"; readonly text: string }
  | { readonly type: "done"; readonly summary: Summary };

type Line =
  | { readonly response: string; readonly done?: undefined }
  | ({ readonly response: ""; readonly done: true } & Summary)
  | { readonly error: { readonly code: ErrorCode; readonly detail: string }; readonly done: true };

export interface CallOptions {
  /** Where the routes start. */
  readonly base?: string | URL;
  readonly signal?: AbortSignal;
}

/**
 * `for await (const event of generate({ prompt }))`; leaving the loop stops the model, and so does `signal`, after
 * which the loop just ends. Throws a `VaultError`, also if the answer ends before its end mark.
 */
export async function* generate(
  input: GenerateInput,
  { base = location.href, signal }: CallOptions = {},
): AsyncGenerator<AnswerEvent, void> {
  const left = new AbortController();
  try {
    const response = await fetch(new URL("generate/stream", base), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/x-ndjson" },
      body: JSON.stringify(input),
      signal: signal ? AbortSignal.any([signal, left.signal]) : left.signal,
    });
    if (!response.ok || !response.body) throw await problem(response);
    let done = false;
    for await (const line of jsonLines(response.body)) {
      if ("error" in line) throw VaultError.fromWire(line.error);
      if (line.done) done = true;
      yield line.done ? { type: "done", summary: line } : { type: "token", text: line.response };
    }
    if (!done) throw new VaultError("engine-failed", CUT_OFF);
  } catch (cause) {
    if (signal?.aborted) return;
    // A body that breaks rejects with a TypeError of the browser's own wording.
    throw cause instanceof TypeError ? new VaultError("engine-failed", CUT_OFF, { cause }) : cause;
  } finally {
    left.abort();
  }
}

const CUT_OFF = "The answer was cut off before its end. Send the request again.";

/** The newest exchanges, newest first. */
export async function newestLogs(limit: number, { base = location.href }: CallOptions = {}): Promise<LogRecord[]> {
  const response = await fetch(new URL(`logs?order=desc&limit=${limit}`, base));
  if (!response.ok) throw await problem(response);
  const lines = (await response.text()).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogRecord);
}

async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<Line, void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const parts = (rest + next.value).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield JSON.parse(part) as Line;
  }
}

async function problem(response: Response): Promise<VaultError> {
  try {
    return VaultError.fromWire((await response.json()) as { code: ErrorCode; detail: string });
  } catch {
    return new VaultError("engine-failed", `The request was answered with status ${response.status}. Reload the page.`);
  }
}
