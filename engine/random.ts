/**
 * The random number of step `step`, in [0, 1): a hash of seed and step, not the state of a generator. A stream can
 * so be continued anywhere, token for token.
 *
 * MurmurHash3 (x86, 32 bit) of three words: the seed's low and high half, and the step.
 * https://github.com/aappleby/smhasher/wiki/MurmurHash3
 */
export function uniform(seed: number, step: number): number {
  let hash = 0;
  for (const word of [seed % 2 ** 32, Math.floor(seed / 2 ** 32), step]) {
    hash ^= Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  hash ^= 12; // bytes hashed
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
