import fc from "fast-check";
import { expect, test } from "vitest";
import { randomAt } from "./random.ts";

/** MurmurHash3_x86_32 of the same sixteen bytes, written for 64-bit integers as in the reference implementation. */
function reference(seed: number, step: number, tokenId: number): number {
  const mask = 0xffffffffn;
  const rotl = (x: bigint, r: bigint) => ((x << r) | (x >> (32n - r))) & mask;
  let h = 0n;
  for (const word of [BigInt(seed) & mask, BigInt(seed) >> 32n, BigInt(step), BigInt(tokenId)]) {
    let k = (word * 0xcc9e2d51n) & mask;
    k = (rotl(k, 15n) * 0x1b873593n) & mask;
    h = (rotl(h ^ k, 13n) * 5n + 0xe6546b64n) & mask;
  }
  h ^= 16n;
  h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask;
  h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask;
  return (Number(h ^ (h >> 16n)) + 0.5) / 2 ** 32;
}

test("`randomAt()` is MurmurHash3 of seed, step and token", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(1_000_000), fc.nat(300_000), (seed, step, tokenId) => {
      expect(randomAt(seed, step)(tokenId)).toBe(reference(seed, step, tokenId));
    }),
  );
});

test("`randomAt()` spreads steps, seeds and tokens evenly over (0, 1)", () => {
  for (const draw of [
    (n: number) => randomAt(1, n)(0),
    (n: number) => randomAt(1, 2)(n),
    (n: number) => randomAt(n, 0)(7),
    (n: number) => randomAt(n * 2 ** 32, 0)(7),
  ]) {
    const bins = new Array<number>(10).fill(0);
    for (let n = 0; n < 10_000; n++) {
      const value = draw(n);
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
      bins[Math.floor(value * 10)]!++;
    }
    for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(130); // over four standard deviations
  }
});
