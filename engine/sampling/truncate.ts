import { type Candidates, kthLargest, ranked, select } from "./candidates.ts";

/** The `k` likeliest, likeliest first. 0 keeps all. https://arxiv.org/abs/1805.04833 */
export function keepTopK(candidates: Candidates, k: number): Candidates {
  if (k === 0 || k >= candidates.ids.length) return candidates;
  return select(candidates, ranked(candidates, kthLargest(candidates.probabilities, k)).slice(0, k));
}

/** The likeliest, likeliest first, until their mass reaches `p`. https://arxiv.org/abs/1904.09751 */
export function keepTopP(candidates: Candidates, p: number): Candidates {
  if (p === 1) return candidates;
  // Those below this floor weigh less than 1 - p all together, so none of them can be needed: no need to sort them.
  const floor = (1 - p) / candidates.ids.length;
  return select(candidates, untilMass(candidates, ranked(candidates, floor), p));
}

/** Those of at least `share` of the likeliest one's probability. https://arxiv.org/abs/2407.01082 */
export function keepMinP(candidates: Candidates, share: number): Candidates {
  if (share === 0) return candidates;
  let top = 0;
  for (let place = 0; place < candidates.ids.length; place++) top = Math.max(top, candidates.probabilities[place]!);
  return select(candidates, ranked(candidates, share * top));
}

/**
 * Locally typical sampling: those whose information (-ln p) is nearest to the expected information, until their mass
 * reaches `p`. https://arxiv.org/abs/2202.00666
 */
export function keepTypical(candidates: Candidates, p: number): Candidates {
  if (p === 1) return candidates;
  const { probabilities } = candidates;
  const places = ranked(candidates, Number.MIN_VALUE);
  const entropy = -places.reduce((sum, place) => sum + probabilities[place]! * Math.log(probabilities[place]!), 0);
  const distance = new Map(places.map((place) => [place, Math.abs(-Math.log(probabilities[place]!) - entropy)]));
  const nearest = places.sort((a, b) => distance.get(a)! - distance.get(b)! || a - b);
  return select(candidates, untilMass(candidates, nearest, p));
}

function untilMass({ probabilities }: Candidates, places: readonly number[], p: number): number[] {
  let count = 0;
  for (let mass = 0; mass < p && count < places.length; count++) mass += probabilities[places[count]!]!;
  return places.slice(0, count);
}
