import type { Token, TokenScore } from "../protocol.ts";

/** A token and its alternatives as OpenAI's chats write them, and Ollama after them. */
export const scoreObject = (score: TokenScore) => ({ ...scored(score), top_logprobs: score.top.map(scored) });

const scored = ({ text, logprob, bytes }: Token & { readonly logprob: number | null }) => ({
  token: text,
  logprob: logprob ?? 0,
  bytes: [...bytes],
});
