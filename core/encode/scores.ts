import type { Token, TokenScore } from "../protocol.ts";

/** A token and its alternatives as OpenAI's chats write them, and Ollama after them. */
export const scoreObject = (score: TokenScore) => ({ ...scored(score), top_logprobs: score.top.map(scored) });

/**
 * Which scores can be written with a text that goes on. One waits until the text has come to where its token begins: a
 * stop string may cut it before that. Those of tokens that were cut off come at the end, behind the last character.
 */
export function createPlacing() {
  let waiting: TokenScore[] = [];
  let written = 0;
  return (text: string, scores: readonly TokenScore[], isEnd: boolean): TokenScore[] => {
    written += [...text].length; // as Python counts: https://github.com/vllm-project/router/issues/263
    const all = [...waiting, ...scores];
    waiting = all.filter(({ offset }) => !isEnd && offset > written);
    return all
      .slice(0, all.length - waiting.length)
      .map((score) => ({ ...score, offset: Math.min(score.offset, written) }));
  };
}

const scored = ({ text, logprob, bytes }: Token & { readonly logprob: number | null }) => ({
  token: text,
  logprob: logprob ?? 0,
  bytes: [...bytes],
});
