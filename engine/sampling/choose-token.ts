import type { Sampling } from "../../core/protocol.ts";
import type { Random } from "../random.ts";
import { argmax, draw, softmax } from "./candidates.ts";
import type { History } from "./history.ts";
import { addBias, penalisePresence, penaliseRepetition } from "./penalties.ts";
import { keepMinP, keepTopK, keepTopP, keepTypical } from "./truncate.ts";

/** Sets the logits of the tokens that may not come next to -Infinity. */
export type Mask = (logits: Float32Array) => void;

/**
 * The next token: bias → penalties → grammar → temperature → top-k → typical → top-p → min-p → draw. A pure function
 * of its arguments (apart from `logits`, which it uses up).
 *
 * @param logits one per entry of the vocabulary
 */
export function chooseToken(
  logits: Float32Array,
  history: History,
  sampling: Sampling,
  random: Random,
  mask: Mask = () => {},
): number {
  addBias(logits, sampling.logitBias);
  penaliseRepetition(logits, history.recent(sampling.repetitionWindow), sampling.repetitionPenalty);
  penalisePresence(logits, history.answerCounts, sampling.frequencyPenalty, sampling.presencePenalty);
  mask(logits);
  if (sampling.temperature === 0) return argmax(logits);

  let candidates = softmax(logits, sampling.temperature);
  candidates = keepTopK(candidates, sampling.topK);
  candidates = keepTypical(candidates, sampling.typicalP);
  candidates = keepTopP(candidates, sampling.topP);
  candidates = keepMinP(candidates, sampling.minP);
  return draw(candidates, random);
}
