import { type Bytes, concat, utf8 } from "./bytes.ts";
import { hkdf } from "./derive.ts";
import { agree } from "./ecdh.ts";

/** A text that only an unlocked vault can open. */
export interface Sealed {
  /** The public key of the pair that was made to seal it: 65 bytes. */
  readonly key: Bytes;
  /** 12 bytes, of each text others. */
  readonly iv: Bytes;
  /** AES-256-GCM: the text as UTF-8, and a tag of 16 bytes. */
  readonly data: Bytes;
}

const LABEL = "minivault sealed 1";

/** Quoted, so that no two ids are the same in UTF-8: halves of a character would be. */
export const boundTo = (id: string): Bytes => utf8(`${LABEL} ${JSON.stringify(id)}`);

export interface PublicKeys {
  /** `Sealed.key`. */
  readonly sealer: Bytes;
  readonly vault: Bytes;
}

/**
 * 256 bits that both sides come to, each with its own private key and the other's public one. They depend on the bytes of
 * both public keys, as in HPKE, since two points of the curve have the same secret.
 * https://www.rfc-editor.org/rfc/rfc9180#section-4.1
 */
export async function sealingKey(own: CryptoKey, other: Bytes, { sealer, vault }: PublicKeys): Promise<Bytes> {
  const secret = await agree(own, other);
  return hkdf(secret, new Uint8Array(), concat(utf8(LABEL), sealer, vault), 256);
}
