import { VaultError } from "../../core/errors.ts";
import type { Random } from "../random.ts";

/** Tokens that may still be chosen, and their probabilities, which sum to 1. */
export interface Candidates {
  readonly ids: ArrayLike<number>;
  readonly probabilities: ArrayLike<number>;
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

/**
 * A race: each candidate needs a time -ln(u) / p, with a random number u of its own, so each is the first with its
 * probability p (the Gumbel maximum, in other words). What rounding changes of the probabilities matters only if the
 * two fastest are as close as that. Along one unit interval, divided among all, it would move every border:
 * a vocabulary has thousands. https://arxiv.org/abs/1411.0030
 */
export function draw({ ids, probabilities }: Candidates, random: Random): number {
  let first = 0;
  let firstTime = Number.POSITIVE_INFINITY;
  for (let place = 0; place < ids.length; place++) {
    const probability = probabilities[place]!;
    if (probability === 0) continue;
    const u = random(ids[place]!);
    if (1 - u >= firstTime * probability) continue; // since -ln(u) ≥ 1 - u: spares nearly all logarithms
    const time = -Math.log(u) / probability;
    if (time >= firstTime) continue;
    first = place;
    firstTime = time;
  }
  return ids[first]!;
}

/** Places of the candidates of at least `floor`, likeliest first, the lower place of equals first. */
export function ranked({ probabilities }: Candidates, floor: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < probabilities.length; place++) if (probabilities[place]! >= floor) places.push(place);
  return places.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

/** The candidates at these places, their probabilities scaled to sum to 1 again. */
export function select({ ids, probabilities }: Candidates, places: readonly number[]): Candidates {
  const total = places.reduce((sum, place) => sum + probabilities[place]!, 0);
  return {
    ids: places.map((place) => ids[place]!),
    probabilities: places.map((place) => probabilities[place]! / total),
  };
}

/** Hoare's quickselect: linear on average, where sorting a vocabulary of 50,257 takes eight times as long. */
export function kthLargest(values: ArrayLike<number>, k: number): number {
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
