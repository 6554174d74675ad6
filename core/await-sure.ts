import { VaultError } from "./errors.ts";
import { prepend } from "./prepend.ts";
import type { TokenEvent } from "./protocol.ts";

/** Two tokens have a time between them. */
const ENOUGH_TOKENS = 2;

/**
 * One JSON may send its status line once it is sure to be whole before `deadlineMs`: while nothing is sent, an answer
 * that takes too long can still be a 504; as soon as something is, an abort is heard. At the pace so far, the rest of
 * its tokens must fit. Returns the whole stream; rejects with what went wrong before.
 */
export async function awaitSure(
  source: ReadableStream<TokenEvent>,
  deadlineMs: number,
  now: () => number,
): Promise<ReadableStream<TokenEvent>> {
  const reader = source.getReader();
  const read: TokenEvent[] = [];
  let maxTokens = 0;
  let firstMs = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return prepend(read, reader);
    if (value.type === "error") throw VaultError.fromWire(value.error);
    read.push(value);
    if (value.type === "start") maxTokens = value.options.maxNewTokens;
    if (value.type === "done") return prepend(read, reader);
    if (value.type !== "token") continue;
    const tokens = read.length - 1;
    if (tokens === 1) firstMs = now();
    if (tokens < ENOUGH_TOKENS) continue;
    const tokenMs = (now() - firstMs) / (tokens - 1);
    if (now() + (maxTokens - tokens) * tokenMs < deadlineMs) return prepend(read, reader);
  }
}
