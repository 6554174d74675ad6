import fc from "fast-check";
import { expect, test } from "vitest";
import { scoreToken } from "./logprobs.ts";

const describe = (tokenId: number) => ({ tokenId, text: `t${tokenId}`, bytes: [] });
/** Logits whose softmax is exactly these weights, scaled to 1. */
const logitsFor = (...weights: number[]) => Float32Array.from(weights, Math.log);

test("`scoreToken()` gives the logarithm of the model's own probability, and the likeliest tokens", () => {
  const score = scoreToken(logitsFor(1, 5, 2), 2, 2, describe); // of 8
  expect(score).toMatchObject({ tokenId: 2, text: "t2" });
  expect(score.logprob).toBeCloseTo(Math.log(2 / 8), 6);
  expect(score.top.map(({ tokenId }) => tokenId)).toEqual([1, 2]);
  expect(score.top[0]?.logprob).toBeCloseTo(Math.log(5 / 8), 6);
  expect(scoreToken(logitsFor(1, 2), 0, 0, describe).top).toEqual([]);
});

test("`scoreToken()` gives probabilities that add up to one, likeliest first, the lower id of equals first", () => {
  const logits = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(logits, (values) => {
      const { top } = scoreToken(Float32Array.from(values), 0, values.length, describe);
      const sum = top.reduce((total, { logprob }) => total + Math.exp(logprob), 0);
      expect(sum).toBeCloseTo(1, 5);
      const ids = values.map((_, id) => id).sort((a, b) => values[b]! - values[a]! || a - b);
      expect(top.map(({ tokenId }) => tokenId)).toEqual(ids);
    }),
  );
});
