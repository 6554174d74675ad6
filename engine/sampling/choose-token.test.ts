import fc from "fast-check";
import { expect, test } from "vitest";
import type { Sampling } from "../../core/protocol.ts";
import { GREEDY } from "../../core/protocol.ts";
import { randomAt } from "../random.ts";
import { argmax, draw, softmax } from "./candidates.ts";
import { chooseToken } from "./choose-token.ts";
import { createHistory } from "./history.ts";
import { addBias, penalisePresence, penaliseRepetition } from "./penalties.ts";
import { keepMinP, keepTopK, keepTopP, keepTypical } from "./truncate.ts";

const neutral: Sampling = { ...GREEDY, temperature: 1 };
const none = createHistory([]);
const logitsOf = (...values: number[]) => Float32Array.from(values);
/** Logits whose softmax at temperature 1 is exactly these weights, scaled to 1. */
const logitsFor = (...weights: number[]) => Float32Array.from(weights, Math.log);
const rounded = (values: ArrayLike<number>) => Array.from(values, (value) => Math.round(value * 1e6) / 1e6);

/** Far enough apart that their probabilities differ as well. */
const anyLogits = fc
  .array(
    fc.integer({ min: -3000, max: 3000 }).map((hundredths) => hundredths / 100),
    { minLength: 1, maxLength: 200 },
  )
  .map((values) => Float32Array.from(values));

const anyRandom = fc.nat().map((seed) => randomAt(seed, 0));
const never = (): never => expect.fail("drew");

test("`penaliseRepetition()` divides positive logits of seen tokens and multiplies negative ones", () => {
  const logits = logitsOf(4, -4, 1, 0);
  penaliseRepetition(logits, new Set([0, 1, 3, 99]), 2);
  expect([...logits]).toEqual([2, -8, 1, 0]);
});

test("`penalisePresence()` takes the frequency for each time and the presence once", () => {
  const logits = logitsOf(1, 1, 1);
  penalisePresence(
    logits,
    new Map([
      [0, 3],
      [2, 1],
    ]),
    0.25,
    0.5,
  );
  expect([...logits]).toEqual([-0.25, 1, 0.25]); // 1 - 3 × 0.25 - 0.5; untouched; 1 - 0.25 - 0.5
});

test("`addBias()` adds to the logits of the given tokens, and ignores those that are none", () => {
  const logits = logitsOf(1, 2, 3);
  addBias(logits, [
    [0, 4],
    [2, -100],
    [9, 5],
  ]);
  expect([...logits]).toEqual([5, 2, -97]);
});

test("`createHistory()` looks back as far as it is told, and counts the answer only", () => {
  const history = createHistory([1, 2, 2]);
  history.push(3);
  history.push(3);
  expect([...history.recent(-1)]).toEqual([1, 2, 3]);
  expect([...history.recent(3)]).toEqual([2, 3]);
  expect([...history.recent(0)]).toEqual([]);
  expect([...history.answerCounts]).toEqual([[3, 2]]);
});

test("`argmax()` takes the lower id of equals, and refuses logits that are not numbers", () => {
  expect(argmax(logitsOf(1, 3, 3, 2))).toBe(1);
  expect(() => argmax(logitsOf(Number.NaN, Number.NaN))).toThrow(/not numbers/);
  expect(() => argmax(logitsOf(1, Number.POSITIVE_INFINITY))).toThrow(/not numbers/);
  expect(() => softmax(logitsOf(1, Number.NaN), 1)).toThrow(/not numbers/);
});

test("`softmax()` divides by the temperature first", () => {
  expect(rounded(softmax(logitsFor(1, 2, 1), 1).probabilities)).toEqual([0.25, 0.5, 0.25]);
  // Temperature 0.5 squares the weights: 1 + 4 + 1.
  expect(rounded(softmax(logitsFor(1, 2, 1), 0.5).probabilities)).toEqual(rounded([1 / 6, 4 / 6, 1 / 6]));
});

test("`keepTopK()` keeps the likeliest, the lower id of equals, and scales them to 1", () => {
  const kept = keepTopK(softmax(logitsFor(1, 4, 1, 2), 1), 3);
  expect(kept.ids).toEqual([1, 3, 0]);
  expect(rounded(kept.probabilities)).toEqual(rounded([4 / 7, 2 / 7, 1 / 7]));
});

test("`keepTopK()` keeps what sorting all would", () => {
  fc.assert(
    fc.property(anyLogits, fc.integer({ min: 1, max: 60 }), (logits, k) => {
      const all = softmax(logits, 1);
      const sorted = Array.from(all.ids).sort((a, b) => all.probabilities[b]! - all.probabilities[a]! || a - b);
      fc.pre(k < logits.length);
      expect(keepTopK(all, k).ids).toEqual(sorted.slice(0, k));
    }),
    { numRuns: 500 },
  );
});

test("`keepTopP()` keeps the smallest set that reaches the mass", () => {
  const all = softmax(logitsFor(5, 1, 3, 1), 1);
  expect(keepTopP(all, 0.5).ids).toEqual([0]);
  expect(keepTopP(all, 0.51).ids).toEqual([0, 2]);
  expect(keepTopP(all, 0.85).ids).toEqual([0, 2, 1]);
  expect(rounded(keepTopP(all, 0.8).probabilities)).toEqual(rounded([5 / 8, 3 / 8]));
});

test("`keepTopP()` never misses a token through its short cut", () => {
  fc.assert(
    fc.property(anyLogits, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (logits, p) => {
      const all = softmax(logits, 1);
      const { ids } = keepTopP(all, p);
      const mass = Array.from(ids).reduce((sum, id) => sum + all.probabilities[id]!, 0);
      const smallest = Math.min(...Array.from(ids, (id) => all.probabilities[id]!));
      const largestLeft = Math.max(
        0,
        ...Array.from(all.probabilities).filter((_, id) => !Array.from(ids).includes(id)),
      );
      expect(mass).toBeGreaterThanOrEqual(p - 1e-9);
      expect(mass - smallest).toBeLessThan(p + 1e-9);
      expect(smallest).toBeGreaterThanOrEqual(largestLeft);
    }),
  );
});

test("`keepMinP()` keeps what is at least that share of the likeliest", () => {
  const kept = keepMinP(softmax(logitsFor(10, 4, 5, 1), 1), 0.49);
  expect(kept.ids).toEqual([0, 2]);
  expect(rounded(kept.probabilities)).toEqual(rounded([10 / 15, 5 / 15]));
  expect(keepMinP(softmax(logitsFor(1, 1), 1), 0).ids).toHaveLength(2);
});

test("`keepTypical()` keeps what is as surprising as can be expected, before what is likelier", () => {
  // Probabilities 0.7, 0.1, 0.1, 0.1: the entropy is 0.940 nats. The first token's information, 0.357, is 0.584 away
  // from that; the others', 2.303, is 1.362 away.
  expect(keepTypical(softmax(logitsFor(7, 1, 1, 1), 1), 0.5).ids).toEqual([0]);
  expect(keepTypical(softmax(logitsFor(7, 1, 1, 1), 1), 0.75).ids).toEqual([0, 1]);
  // 0.4 and six times 0.1: the entropy is 1.748; 0.916 is 0.832 away from it, and 2.303 only 0.554.
  expect(keepTypical(softmax(logitsFor(4, 1, 1, 1, 1, 1, 1), 1), 0.15).ids).toEqual([1, 2]);
});

test("`draw()` takes each candidate as often as its probability says", () => {
  const shares = [0.5, 0.3, 0.15, 0.05];
  const counts = shares.map(() => 0);
  const runs = 20_000;
  for (let seed = 0; seed < runs; seed++) {
    counts[draw({ ids: [0, 1, 2, 3], probabilities: shares }, randomAt(seed, 3))]!++;
  }
  for (const [id, share] of shares.entries()) {
    expect(Math.abs(counts[id]! / runs - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / runs));
  }
});

test("`draw()` never takes what has no probability, and needs no order", () => {
  for (let step = 0; step < 200; step++) {
    const random = randomAt(1, step);
    const taken = draw({ ids: [1, 2, 3, 4], probabilities: [0, 0.5, 0.5, 0] }, random);
    expect([2, 3]).toContain(taken);
    expect(draw({ ids: [3, 4, 1, 2], probabilities: [0.5, 0, 0, 0.5] }, random)).toBe(taken);
  }
});

test("logits that differ a little, as devices round, give the same tokens, also among thousands of unlikely ones", () => {
  const rough = (id: number) => 3 * Math.sin(id * id);
  let differing = 0;
  for (let step = 0; step < 2_000; step++) {
    const logits = Float32Array.from({ length: 4_096 }, (_, id) => rough(id + step));
    const rounding = randomAt(2, step);
    const otherwise = logits.map((logit, id) => logit + 2e-4 * (rounding(id) - 0.5));
    const [one, other] = [logits, otherwise].map((each) => chooseToken(each, none, neutral, randomAt(1, step)));
    if (one !== other) differing++;
  }
  expect(differing).toBe(0);
});

test("`chooseToken()` is a pure function of its arguments", () => {
  fc.assert(
    fc.property(anyLogits, anyRandom, fc.nat(20), (logits, random, topK) => {
      const sampling = { ...neutral, temperature: 0.8, topK, topP: 0.9, minP: 0.02, repetitionPenalty: 1.3 };
      const history = createHistory([0, 2]);
      const once = chooseToken(logits.slice(), history, sampling, random);
      expect(chooseToken(logits.slice(), history, sampling, random)).toBe(once);
      expect(once).toBeLessThan(logits.length);
    }),
  );
});

test("`chooseToken()` is greedy at temperature 0, with top-k 1, and with a tiny top-p", () => {
  fc.assert(
    fc.property(anyLogits, anyRandom, (logits, random) => {
      const best = argmax(logits);
      for (const one of [{ temperature: 0 }, { topK: 1 }, { topP: 1e-12 }, { minP: 1, topK: 1 }]) {
        expect(chooseToken(logits.slice(), none, { ...neutral, ...one }, random)).toBe(best);
      }
    }),
  );
});

test("`chooseToken()` draws by probability", () => {
  const counts = [0, 0, 0];
  for (let n = 0; n < 10_000; n++) counts[chooseToken(logitsFor(6, 3, 1), none, neutral, randomAt(n, 0))]!++;
  for (const [id, expected] of [6_000, 3_000, 1_000].entries()) {
    expect(Math.abs(counts[id]! - expected)).toBeLessThan(200); // over four standard deviations
  }
});

test("`chooseToken()` penalises before it is greedy", () => {
  const sampling = { ...neutral, temperature: 0, repetitionPenalty: 2 };
  expect(chooseToken(logitsOf(3, 2), createHistory([0]), sampling, never)).toBe(1);
});

test("`chooseToken()` never takes what the mask forbids, unless it forbids everything", () => {
  fc.assert(
    fc.property(anyLogits, anyRandom, fc.nat(5), (logits, random, topK) => {
      const allowed = logits.length - 1;
      const mask = (all: Float32Array) => all.fill(Number.NEGATIVE_INFINITY, 0, allowed);
      for (const temperature of [0, 2]) {
        const sampling = { ...neutral, temperature, topK, topP: 0.9, logitBias: [[0, 100] as const] };
        expect(chooseToken(logits.slice(), none, sampling, random, mask)).toBe(allowed);
      }
    }),
  );
});

test("`chooseToken()` applies the bias and the penalties before it is greedy", () => {
  const history = createHistory([]);
  history.push(0);
  const greedy = (changes: Partial<Sampling>) =>
    chooseToken(logitsOf(3, 2.5), history, { ...GREEDY, ...changes }, never);
  expect(greedy({})).toBe(0);
  expect(greedy({ logitBias: [[1, 1]] })).toBe(1);
  expect(greedy({ frequencyPenalty: 1 })).toBe(1);
  expect(greedy({ presencePenalty: 1 })).toBe(1);
  expect(greedy({ repetitionPenalty: 2 })).toBe(1);
  expect(greedy({ repetitionPenalty: 2, repetitionWindow: 0 })).toBe(0);
});
