import { type Bytes, fromBase64url, toBase64url } from "./bytes.ts";
import { subtle } from "./subtle.ts";

/** Every browser has this curve; X25519 came to them years later. */
const P256 = { name: "ECDH", namedCurve: "P-256" } as const;
const COORDINATE_BYTES = 32;

export interface KeyPair {
  readonly privateKey: CryptoKey;
  /** 65 bytes: a 4, x and y. https://www.secg.org/sec1-v2.pdf section 2.3.3 */
  readonly publicKey: Bytes;
}

export async function newKeyPair(extractable: boolean): Promise<KeyPair> {
  const { privateKey, publicKey } = await subtle().generateKey(P256, extractable, ["deriveBits"]);
  return { privateKey, publicKey: new Uint8Array(await subtle().exportKey("raw", publicKey)) };
}

/** The 32 bytes that a private key is. */
export async function scalarOf(privateKey: CryptoKey): Promise<Bytes> {
  const { d } = await subtle().exportKey("jwk", privateKey);
  return fromBase64url(d!);
}

/** A key that nobody can read out again. A JWK, since a scalar alone cannot be imported. */
export function privateKeyOf(scalar: Bytes, publicKey: Bytes): Promise<CryptoKey> {
  const x = toBase64url(publicKey.slice(1, 1 + COORDINATE_BYTES));
  const y = toBase64url(publicKey.slice(1 + COORDINATE_BYTES));
  const jwk = { kty: "EC", crv: P256.namedCurve, d: toBase64url(scalar), x, y };
  return subtle().importKey("jwk", jwk, P256, false, ["deriveBits"]);
}

/** The secret that two have in common who know each other's public key. Rejects if that is no point of the curve. */
export async function agree(privateKey: CryptoKey, publicKey: Bytes): Promise<Bytes> {
  const theirs = await subtle().importKey("raw", publicKey, P256, false, []);
  return new Uint8Array(await subtle().deriveBits({ name: P256.name, public: theirs }, privateKey, 256));
}
