/** A random number for each token, in (0, 1). */
export type Random = (tokenId: number) => number;

/**
 * The random numbers of step `step`: hashes of seed, step and token, not the state of a generator. A stream can so be
 * continued anywhere, token for token.
 *
 * MurmurHash3 (x86, 32 bit) of four words: the seed's low and high half, the step, and the token.
 * https://github.com/aappleby/smhasher/wiki/MurmurHash3
 */
export function randomAt(seed: number, step: number): Random {
  const ofStep = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), step].reduce(mix, 0);
  return (tokenId) => {
    let hash = mix(ofStep, tokenId) ^ 16; // bytes hashed
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
  };
}

function mix(hash: number, word: number): number {
  const mixed = hash ^ Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotate(mixed, 13), 5) + 0xe6546b64) | 0;
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
