import { VaultError } from "./errors.ts";
import { prepend } from "./prepend.ts";
import type { TokenEvent } from "./protocol.ts";

/** Two tokens have a time between them. */
const ENOUGH_TOKENS = 2;

export interface SureOptions {
  /** What the caller asked for at most; `null`: as many as it takes, which nobody can foresee. */
  readonly maxTokens: number | null;
  readonly deadlineMs: number;
  readonly now: () => number;
}

/**
 * One JSON may send its status line once its tokens will fit before the deadline, at the pace so far: while nothing is
 * sent, an answer that takes too long can still be a 504; as soon as something is, an abort is heard. Returns the whole
 * stream; rejects with what went wrong before.
 */
export async function awaitSure(
  source: ReadableStream<TokenEvent>,
  { maxTokens, deadlineMs, now }: SureOptions,
): Promise<ReadableStream<TokenEvent>> {
  const reader = source.getReader();
  const read: TokenEvent[] = [];
  let tokens = 0;
  let firstMs = 0;
  const isSure = (event: TokenEvent): boolean => {
    if (event.type === "start") return maxTokens === null;
    if (event.type !== "token") return true;
    if (++tokens === 1) firstMs = now();
    if (tokens < ENOUGH_TOKENS) return false;
    const tokenMs = (now() - firstMs) / (tokens - 1);
    return now() + ((maxTokens ?? 0) - tokens) * tokenMs < deadlineMs;
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return prepend(read, reader);
    if (value.type === "error") throw VaultError.fromWire(value.error);
    read.push(value);
    if (isSure(value)) return prepend(read, reader);
  }
}
