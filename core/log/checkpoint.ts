import { type Chain, GENESIS } from "./chain.ts";

/** Where a chain has ends on purpose: at what was deleted, and at what was brought from elsewhere. */
export interface Ends {
  readonly starts: readonly string[];
  readonly heads: readonly string[];
}

/** Ends that were signed off. */
export interface Checkpoint extends Ends {
  /** ISO 8601. */
  readonly at: string;
  /** Of the log: a JWK, ECDSA P-256. */
  readonly public_key: JsonWebKey;
  /** Base64 of r and s: ECDSA with SHA-256 of the JSON of `at`, `starts` and `heads`. */
  readonly signature: string;
}

/** A log's own, made when it first has something to sign. Both are JWKs: WebKitGTK cannot store a `CryptoKey`. */
export interface SigningKey {
  readonly public: JsonWebKey;
  readonly private: JsonWebKey;
}

/** Nothing was ever deleted or brought. */
export const NO_ENDS: Ends = { starts: [], heads: [] };

const KEY = { name: "ECDSA", namedCurve: "P-256" };
const HOW = { name: "ECDSA", hash: "SHA-256" };

/** All but the first record's and the last one's. */
export function endsOf({ starts, heads, last }: Chain): Ends {
  const without = (values: readonly string[], one: string) => {
    const gone = values.indexOf(one);
    return values.filter((_, place) => place !== gone).sort();
  };
  return { starts: without(starts, GENESIS), heads: without(heads, last) };
}

export const hasSameEnds = (a: Ends, b: Ends): boolean =>
  a.starts.join() === b.starts.join() && a.heads.join() === b.heads.join();

export async function newSigningKey(): Promise<SigningKey> {
  const pair = await crypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const [publicKey, privateKey] = await Promise.all(
    [pair.publicKey, pair.privateKey].map((key) => crypto.subtle.exportKey("jwk", key)),
  );
  return { public: publicKey!, private: privateKey! };
}

export async function signOff(ends: Ends, key: SigningKey, nowMs: number): Promise<Checkpoint> {
  const signed = { at: new Date(nowMs).toISOString(), ...ends };
  const privateKey = await crypto.subtle.importKey("jwk", key.private, KEY, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign(HOW, privateKey, statementOf(signed)));
  return { ...signed, public_key: key.public, signature: btoa(String.fromCharCode(...signature)) };
}

export async function isSignedOff(checkpoint: Checkpoint): Promise<boolean> {
  try {
    const publicKey = await crypto.subtle.importKey("jwk", checkpoint.public_key, KEY, false, ["verify"]);
    const signature = Uint8Array.from(atob(checkpoint.signature), (byte) => byte.charCodeAt(0));
    return await crypto.subtle.verify(HOW, publicKey, signature, statementOf(checkpoint));
  } catch {
    return false; // neither key nor signature has to be one
  }
}

const statementOf = ({ at, starts, heads }: Omit<Checkpoint, "public_key" | "signature">): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify({ at, starts, heads }));
