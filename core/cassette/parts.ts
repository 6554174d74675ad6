import type { WholeRecord } from "./recording.ts";

/** A piece of an answer, and when it comes: milliseconds since its turn came. */
export interface Part {
  readonly text: string;
  readonly ms: number;
}

/**
 * The pieces of a recorded answer; together they are all of it. Waiting for others and for the model to load is not
 * told again. Where the times of tokens are not known, or are not those of this text, it comes word by word.
 */
export function partsOf(record: WholeRecord): readonly Part[] {
  const { response, tokens, queue_ms } = record;
  const characters = tokens?.reduce((sum, [length]) => sum + length, 0);
  if (!tokens || characters !== response.length) return wordsOf(record);
  let at = 0;
  return tokens.map(([length, ms]) => {
    const text = response.slice(at, at + length);
    at += length;
    return { text, ms: ms - (queue_ms ?? 0) };
  });
}

function wordsOf({ response, usage, queue_ms, ttft_ms, tokens_per_s, duration_ms }: WholeRecord): readonly Part[] {
  const words = response.match(/\s*\S+|\s+$/g) ?? [];
  const firstMs = (ttft_ms ?? 0) - (queue_ms ?? 0);
  const allMs = tokens_per_s ? (usage.completion_tokens * 1000) / tokens_per_s : (duration_ms ?? 0) - (ttft_ms ?? 0);
  return words.map((text, place) => ({ text, ms: firstMs + (allMs * place) / words.length }));
}
