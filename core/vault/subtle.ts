import { VaultError } from "../errors.ts";

/** Web Crypto. Insecure contexts, `http:` on a local network, do not have it. https://w3c.github.io/webcrypto/ */
export function subtle(): SubtleCrypto {
  if (crypto.subtle) return crypto.subtle;
  throw new VaultError(
    "bad-config",
    "Browsers encrypt only in a secure context. Serve this page over https, or open it on localhost.",
  );
}

export const randomBytes = (count: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(count));
