import type { Bytes } from "./bytes.ts";
import { subtle } from "./subtle.ts";

/** PBKDF2 with HMAC-SHA-256: slow on purpose. https://www.rfc-editor.org/rfc/rfc8018#section-5.2 */
export async function pbkdf2(passphrase: Bytes, salt: Bytes, iterations: number, bits: number): Promise<Bytes> {
  const key = await subtle().importKey("raw", passphrase, "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await subtle().deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, bits));
}

/** HKDF with SHA-256: of one secret several that do not tell each other. https://www.rfc-editor.org/rfc/rfc5869 */
export async function hkdf(secret: Bytes, salt: Bytes, info: Bytes, bits: number): Promise<Bytes> {
  const key = await subtle().importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle().deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, bits));
}
