import type { Bytes } from "./bytes.ts";
import { subtle } from "./subtle.ts";

/** The length that GCM is made for. https://doi.org/10.6028/NIST.SP.800-38D section 5.2.1.1 */
export const IV_BYTES = 12;

/** A key of 256 bits for one of both, which nobody can read out again. */
export const aesKey = (bytes: Bytes, usage: "encrypt" | "decrypt"): Promise<CryptoKey> =>
  subtle().importKey("raw", bytes, "AES-GCM", false, [usage]);

/** The tag, of 16 bytes, is behind the rest. No two texts may have both the key and the `iv` in common. */
export const encrypt = async (key: CryptoKey, iv: Bytes, plain: Bytes, additionalData: Bytes): Promise<Bytes> =>
  new Uint8Array(await subtle().encrypt({ name: "AES-GCM", iv, additionalData }, key, plain));

/** Rejects if any of it is not as it was. */
export const decrypt = async (key: CryptoKey, iv: Bytes, data: Bytes, additionalData: Bytes): Promise<Bytes> =>
  new Uint8Array(await subtle().decrypt({ name: "AES-GCM", iv, additionalData }, key, data));
