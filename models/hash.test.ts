import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHasher, hashMatches } from "./hash.ts";
import type { FileHash } from "./model-entry.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

/** Of FIPS 180-4's examples, and of `git hash-object`. */
const KNOWN: ReadonlyArray<readonly [string, FileHash]> = [
  ["", { type: "sha256", hex: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }],
  ["abc", { type: "sha256", hex: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" }],
  ["abc", { type: "sha256", hex: "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" }],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    { type: "sha256", hex: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  ],
  ["", { type: "git-sha1", hex: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" }],
  ["hello\n", { type: "git-sha1", hex: "ce013625030ba8dba906f756967f9e9ca394464a" }],
  ["what is up, doc?", { type: "git-sha1", hex: "bd9dbf5aae1a3862dd1526723246b20206e5fc37" }],
];

test.each(KNOWN)("%j has the hash that is published", async (text, hash) => {
  const bytes = ascii(text);
  const hasher = await createHasher({ sizeBytes: bytes.byteLength, hash });
  hasher.update(bytes);
  expect(hasher.matches()).toBe(true);
  expect(await hashMatches(hash, bytes.buffer)).toBe(true);
  expect(await hashMatches(hash, ascii(`${text}.`).buffer)).toBe(false);
});

const hexOf = (type: FileHash["type"], bytes: Uint8Array) =>
  type === "sha256"
    ? createHash("sha256").update(bytes).digest("hex")
    : createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");

test("a hash is the same however the file is cut, and another one as soon as a byte differs", async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 3000 });
  const type = fc.constantFrom("sha256", "git-sha1");
  const cuts = fc.array(fc.nat(3000), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(bytes, type, cuts, fc.nat(), async (bytes, type, cuts, place) => {
      const file = { sizeBytes: bytes.byteLength, hash: { type, hex: hexOf(type, bytes) } };
      const inPieces = async (bytes: Uint8Array) => {
        const hasher = await createHasher(file);
        const ends = [...cuts.sort((a, b) => a - b), bytes.byteLength];
        for (const [i, end] of ends.entries()) hasher.update(bytes.subarray(ends[i - 1] ?? 0, end));
        return hasher.matches();
      };
      expect(await inPieces(bytes)).toBe(true);
      expect(await hashMatches(file.hash, bytes.slice().buffer)).toBe(true);
      const damaged = bytes.slice();
      damaged[place % damaged.length]! ^= 1;
      expect(await inPieces(damaged)).toBe(false);
      expect(await hashMatches(file.hash, damaged.buffer)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("without a hash the size alone decides; with one, it decides too", async () => {
  const whether = async (sizeBytes: number, hash: FileHash | null) => {
    const hasher = await createHasher({ sizeBytes, hash });
    hasher.update(ascii("ab"));
    hasher.update(ascii("c"));
    return hasher.matches();
  };
  expect(await whether(3, null)).toBe(true);
  expect(await whether(4, null)).toBe(false);
  expect(await whether(4, { type: "sha256", hex: hexOf("sha256", ascii("abc")) })).toBe(false);
});

test("where the browser has no hashes of its own, those that came along do", async () => {
  const { subtle } = crypto;
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    const hash = { type: "sha256", hex: hexOf("sha256", ascii("abc")) } as const;
    expect(await hashMatches(hash, ascii("abc").buffer)).toBe(true);
    expect(await hashMatches(hash, ascii("abd").buffer)).toBe(false);
  } finally {
    Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
  }
});
