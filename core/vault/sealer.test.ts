import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Bytes } from "./bytes.ts";
import { newKeyPair } from "./ecdh.ts";
import { createOpener, type Opener } from "./opener.ts";
import type { Sealed } from "./sealed.ts";
import { createSealer, type Sealer } from "./sealer.ts";

let vault: Bytes;
let sealer: Sealer;
let opener: Opener;
beforeAll(async () => {
  const pair = await newKeyPair(false);
  vault = pair.publicKey;
  sealer = createSealer(vault);
  opener = createOpener(pair.privateKey, vault);
});

const TEXTS = fc.string({ unit: "binary", maxLength: 2000 });
/** Also such that no UTF-8 has. */
const IDS = fc.oneof(fc.uuid(), TEXTS, fc.constantFrom("", "\ud800", "\ud801", "\ufeff"));

const flip = (bytes: Bytes, bit: number): Bytes =>
  bytes.map((byte, place) => (place === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

const isRefused = async (id: string, sealed: Sealed) =>
  expect(opener.open(id, sealed)).rejects.toMatchObject({
    code: "vault-damaged",
    message: expect.stringContaining(id),
  });

test("any text is itself again, with its id", async () => {
  await fc.assert(
    fc.asyncProperty(IDS, TEXTS, async (id, text) => {
      expect(await opener.open(id, await sealer.seal(id, text))).toBe(text);
    }),
  );
});

test("a byte order mark stays, and so does half a character that is escaped", async () => {
  for (const text of ["\ufeffa", JSON.stringify("\ud83d")])
    expect(await opener.open("a", await sealer.seal("a", text))).toBe(text);
});

test("no bit of the key, of the iv or of the data can change", async () => {
  const sealed = await sealer.seal("an id", "a text");
  for (const part of ["key", "iv", "data"] as const) {
    for (let bit = 0; bit < 8 * sealed[part].length; bit++)
      await isRefused("an id", { ...sealed, [part]: flip(sealed[part], bit) });
  }
});

test("no bit of any sealed text can change, nor of its id, and nothing can be cut off", async () => {
  const parts = fc.constantFrom("key", "iv", "data");
  await fc.assert(
    fc.asyncProperty(IDS, TEXTS, parts, fc.nat(), async (id, text, part, pick) => {
      const sealed = await sealer.seal(id, text);
      const bytes = sealed[part];
      await isRefused(id, { ...sealed, [part]: flip(bytes, pick % (8 * bytes.length)) });
      await isRefused(id, { ...sealed, [part]: bytes.slice(0, pick % bytes.length) });
      const at = pick % (id.length + 1);
      const unit = String.fromCharCode((id.charCodeAt(at) || 0) ^ (1 << (pick % 16)));
      await isRefused(id.slice(0, at) + unit + id.slice(at + 1), sealed);
    }),
  );
});

test("another vault opens nothing", async () => {
  const { privateKey, publicKey } = await newKeyPair(false);
  const sealed = await sealer.seal("a", "b");
  await expect(createOpener(privateKey, publicKey).open("a", sealed)).rejects.toMatchObject({ code: "vault-damaged" });
  await expect(createOpener(privateKey, vault).open("a", sealed)).rejects.toMatchObject({ code: "vault-damaged" });
});

/** The point with the same x, and so with the same secret. https://doi.org/10.6028/NIST.SP.800-186 section 3.2.1.3 has p. */
function mirrored(publicKey: Bytes): Bytes {
  const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
  const y = BigInt(`0x${Buffer.from(publicKey.slice(33)).toString("hex")}`);
  return Uint8Array.from([...publicKey.slice(0, 33), ...Buffer.from((p - y).toString(16).padStart(64, "0"), "hex")]);
}

test("another point with the same secret opens nothing", async () => {
  const { privateKey, publicKey } = await newKeyPair(false);
  const sealed = await createSealer(publicKey).seal("a", "b");
  const [own, other] = [createOpener(privateKey, publicKey), createOpener(privateKey, mirrored(publicKey))];
  expect(await own.open("a", { ...sealed, key: mirrored(mirrored(sealed.key)) })).toBe("b");
  await expect(own.open("a", { ...sealed, key: mirrored(sealed.key) })).rejects.toMatchObject({
    code: "vault-damaged",
  });
  await expect(other.open("a", sealed)).rejects.toMatchObject({ code: "vault-damaged" });
});

test("a sealer has one key for a while, and of each text another iv", async () => {
  const few = createSealer(vault, { sealsPerKey: 10 });
  const all = await Promise.all(Array.from({ length: 25 }, (_, place) => few.seal(`${place}`, "same")));
  const keyOf = ({ key }: Sealed) => key.join();
  expect(all.map(keyOf)).toEqual(all.map((_, place) => keyOf(all[10 * Math.floor(place / 10)]!)));
  expect(new Set(all.map(keyOf)).size).toBe(3);
  expect(new Set(all.map(({ iv }) => iv.join())).size).toBe(25);
  const opened = await Promise.all(all.map((sealed, place) => opener.open(`${place}`, sealed)));
  expect(new Set(opened)).toEqual(new Set(["same"]));
});

test("an opener goes through the texts of more sealers than it remembers, to and fro", async () => {
  const all = await Promise.all(Array.from({ length: 70 }, () => createSealer(vault).seal("a", "same")));
  for (const sealed of [...all, ...all.toReversed()]) expect(await opener.open("a", sealed)).toBe("same");
});

test("a thousand texts at once", async () => {
  const text = "x".repeat(1000);
  const all = await Promise.all(Array.from({ length: 1000 }, () => sealer.seal("a", text)));
  expect(new Set(await Promise.all(all.map((sealed) => opener.open("a", sealed))))).toEqual(new Set([text]));
});

test("nothing is sealed for what is no public key", async () => {
  const broken = createSealer(flip(vault, 100));
  for (const id of ["a", "b"]) await expect(broken.seal(id, "b")).rejects.toMatchObject({ code: "vault-damaged" });
});
