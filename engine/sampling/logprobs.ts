import type { ScoredToken, Token, TokenScore } from "../../core/protocol.ts";

type Describe = (tokenId: number) => Token;

/**
 * How likely the model found a token and the `top` likeliest ones: log-softmax of the raw logits.
 *
 * @param logits as the model gave them, one per entry of the vocabulary
 */
export function scoreToken(
  logits: Float32Array,
  tokenId: number,
  top: number,
  describe: Describe,
): Omit<TokenScore, "offset"> {
  const normaliser = logSumExp(logits);
  const scored = (id: number): ScoredToken => ({ ...describe(id), logprob: logits[id]! - normaliser });
  return { ...scored(tokenId), top: largest(logits, top).map(scored) };
}

function logSumExp(logits: Float32Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const logit of logits) top = Math.max(top, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  return top + Math.log(sum);
}

/** Ids of the `count` largest, largest first; `count` is small. */
function largest(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  if (count === 0) return ids;
  for (let id = 0; id < logits.length; id++) {
    if (ids.length === count && logits[id]! <= logits[ids[count - 1]!]!) continue;
    const place = ids.findIndex((other) => logits[id]! > logits[other]!);
    ids.splice(place === -1 ? ids.length : place, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
