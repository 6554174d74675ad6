import { VaultError } from "../core/errors.ts";
import type { Sampling } from "../core/protocol.ts";

/** Tokens that may still be chosen, and their probabilities, which sum to 1. */
export interface Candidates {
  readonly ids: ArrayLike<number>;
  readonly probabilities: ArrayLike<number>;
}

/**
 * The next token: repetition penalty → temperature → top-k → top-p → draw. A pure function of its arguments
 * (apart from `logits`, which it uses up).
 *
 * @param logits one per entry of the vocabulary
 * @param seen every token of the prompt and the answer so far
 * @param random in [0, 1)
 */
export function chooseToken(
  logits: Float32Array,
  seen: ReadonlySet<number>,
  sampling: Sampling,
  random: number,
): number {
  penaliseRepetition(logits, seen, sampling.repetitionPenalty);
  if (sampling.temperature === 0) return argmax(logits);
  const all = softmax(logits, sampling.temperature);
  return draw(keepTopP(keepTopK(all, sampling.topK), sampling.topP), random);
}

/** CTRL's penalty (https://arxiv.org/abs/1909.05858), in the form that moves negative logits down as well. */
export function penaliseRepetition(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const id of seen) {
    const logit = logits[id];
    if (logit !== undefined) logits[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** The likeliest token; the lowest id of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  assertFinite(logits[best]!);
  return best;
}

function assertFinite(value: number): void {
  if (Number.isFinite(value)) return;
  throw new VaultError("engine-failed", "The model's logits are not numbers. Reload the page, or use another device.");
}

export function softmax(logits: Float32Array, temperature: number): Candidates {
  const top = logits[argmax(logits)]!;
  const probabilities = new Float64Array(logits.length);
  const ids = new Uint32Array(logits.length);
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    const weight = Math.exp((logits[id]! - top) / temperature);
    ids[id] = id;
    probabilities[id] = weight;
    total += weight;
  }
  assertFinite(total);
  for (let id = 0; id < logits.length; id++) probabilities[id]! /= total;
  return { ids, probabilities };
}

/** The `k` likeliest, likeliest first. 0 keeps all. */
export function keepTopK(candidates: Candidates, k: number): Candidates {
  if (k === 0 || k >= candidates.ids.length) return candidates;
  return select(candidates, ranked(candidates, kthLargest(candidates.probabilities, k)).slice(0, k));
}

/** The likeliest, likeliest first, until their mass reaches `p`. */
export function keepTopP(candidates: Candidates, p: number): Candidates {
  if (p === 1) return candidates;
  // Those below this floor weigh less than 1 - p all together, so none of them can be needed: no need to sort them.
  const floor = (1 - p) / candidates.ids.length;
  const places = ranked(candidates, floor);
  let count = 0;
  for (let mass = 0; mass < p && count < places.length; count++) mass += candidates.probabilities[places[count]!]!;
  return select(candidates, places.slice(0, count));
}

/** Inverse transform sampling. */
export function draw({ ids, probabilities }: Candidates, random: number): number {
  let left = random;
  for (let place = 0; place < ids.length; place++) {
    left -= probabilities[place]!;
    if (left < 0) return ids[place]!;
  }
  return ids[ids.length - 1]!; // rounding
}

/** Places of the candidates of at least `floor`, likeliest first, the lower place of equals first. */
function ranked({ probabilities }: Candidates, floor: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < probabilities.length; place++) if (probabilities[place]! >= floor) places.push(place);
  return places.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

function select({ ids, probabilities }: Candidates, places: readonly number[]): Candidates {
  const total = places.reduce((sum, place) => sum + probabilities[place]!, 0);
  return {
    ids: places.map((place) => ids[place]!),
    probabilities: places.map((place) => probabilities[place]! / total),
  };
}

/** Hoare's quickselect: linear on average, where sorting a vocabulary of 50,257 takes eight times as long. */
function kthLargest(values: ArrayLike<number>, k: number): number {
  const rest = Float64Array.from(values);
  const target = rest.length - k;
  for (let low = 0, high = rest.length - 1; low < high; ) {
    const pivot = rest[(low + high) >>> 1]!;
    let left = low;
    let right = high;
    while (left <= right) {
      while (rest[left]! < pivot) left++;
      while (rest[right]! > pivot) right--;
      if (left > right) break;
      [rest[left], rest[right]] = [rest[right]!, rest[left]!];
      left++;
      right--;
    }
    if (target <= right) high = right;
    else if (target >= left) low = left;
    else break;
  }
  return rest[target]!;
}
