import fc from "fast-check";
import { expect, test } from "vitest";
import { aesKey, decrypt, encrypt } from "./aes-gcm.ts";
import { type Bytes, concat, fromBase64url, toBase64url, utf8 } from "./bytes.ts";
import { hkdf, pbkdf2 } from "./derive.ts";
import { agree, newKeyPair, privateKeyOf, scalarOf } from "./ecdh.ts";

const bytesOf = (...hex: string[]): Bytes => Uint8Array.from(Buffer.from(hex.join(""), "hex"));
const hexOf = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");

/** https://www.rfc-editor.org/rfc/rfc7914#section-11 */
test.each([
  [
    "passwd",
    "salt",
    1,
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" +
      "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
  ],
  [
    "Password",
    "NaCl",
    80_000,
    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56" +
      "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
  ],
])("`pbkdf2()` of %s, %s and %i iterations is that of RFC 7914", async (passphrase, salt, iterations, derived) => {
  expect(hexOf(await pbkdf2(utf8(passphrase), utf8(salt), iterations, 512))).toBe(derived);
});

/** https://www.rfc-editor.org/rfc/rfc5869#appendix-A.1 */
test("`hkdf()` is that of RFC 5869", async () => {
  const secret = bytesOf("0b".repeat(22));
  const [salt, info] = [bytesOf("000102030405060708090a0b0c"), bytesOf("f0f1f2f3f4f5f6f7f8f9")];
  expect(hexOf(await hkdf(secret, salt, info, 42 * 8))).toBe(
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});

/** D. McGrew, J. Viega: The Galois/Counter Mode of Operation, test case 16. https://luca-giuzzi.unibs.it/corsi/Support/papers-cryptography/gcm-spec.pdf */
test("`encrypt()` and `decrypt()` are AES-256-GCM", async () => {
  const bytes = bytesOf("feffe9928665731c6d6a8f9467308308".repeat(2));
  const iv = bytesOf("cafebabefacedbaddecaf888");
  const bound = bytesOf("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const plain = bytesOf(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  const data = bytesOf(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    "76fc6ece0f4e1768cddf8853bb2d551b",
  );
  expect(await encrypt(await aesKey(bytes, "encrypt"), iv, plain, bound)).toEqual(data);
  expect(await decrypt(await aesKey(bytes, "decrypt"), iv, data, bound)).toEqual(plain);
});

/** https://www.rfc-editor.org/rfc/rfc5903#section-8.1 */
const I = {
  scalar: bytesOf("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"),
  publicKey: bytesOf(
    "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
  ),
};
const R = {
  scalar: bytesOf("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"),
  publicKey: bytesOf(
    "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
  ),
};
test.each([
  ["the initiator", I, R],
  ["the responder", R, I],
])("`agree()` of %s is that of RFC 5903", async (_, own, other) => {
  const key = await privateKeyOf(own.scalar, own.publicKey);
  expect(hexOf(await agree(key, other.publicKey))).toBe(
    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
  );
});

test("a point that is not of the curve is refused", async () => {
  const { privateKey, publicKey } = await newKeyPair(false);
  publicKey[40]! ^= 1;
  await expect(agree(privateKey, publicKey)).rejects.toThrow();
});

test("a private key is the same made of its scalar, but cannot be read out", async () => {
  const [own, other] = [await newKeyPair(true), await newKeyPair(false)];
  const again = await privateKeyOf(await scalarOf(own.privateKey), own.publicKey);
  expect(await agree(again, other.publicKey)).toEqual(await agree(other.privateKey, own.publicKey));
  await expect(scalarOf(again)).rejects.toThrow();
});

test("any bytes are themselves again of their base64url, which is Node's", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (head, tail) => {
      const bytes = concat(new Uint8Array(head), new Uint8Array(tail));
      expect(toBase64url(bytes)).toBe(Buffer.from([...head, ...tail]).toString("base64url"));
      expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
    }),
  );
});
