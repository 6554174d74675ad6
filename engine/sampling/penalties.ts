/** CTRL's penalty (https://arxiv.org/abs/1909.05858), in the form that moves negative logits down as well. */
export function penaliseRepetition(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const id of seen) {
    const logit = logits[id];
    if (logit !== undefined) logits[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/**
 * OpenAI's two penalties: `frequency` for each time that the answer has a token, `presence` once if it has it at all.
 *
 * @param counts of the answer's tokens; the prompt's do not count
 */
export function penalisePresence(
  logits: Float32Array,
  counts: ReadonlyMap<number, number>,
  frequency: number,
  presence: number,
): void {
  if (frequency === 0 && presence === 0) return;
  for (const [id, count] of counts) logits[id]! -= count * frequency + presence;
}

/** A bias of -100 forbids a token, one of 100 all but forces it. */
export function addBias(logits: Float32Array, bias: Iterable<readonly [tokenId: number, bias: number]>): void {
  for (const [id, value] of bias) if (id < logits.length) logits[id]! += value;
}
