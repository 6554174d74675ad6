import { VaultError } from "../errors.ts";
import { aesKey, decrypt } from "./aes-gcm.ts";
import { type Bytes, toBase64url } from "./bytes.ts";
import { boundTo, type Sealed, sealingKey } from "./sealed.ts";

/** Neighbours in a log were mostly sealed by one sealer. */
const KEYS_KEPT = 32;

export interface Opener {
  /** The text. Rejects with `vault-damaged` if it, its id or its vault is not what it was sealed with. */
  open(id: string, sealed: Sealed): Promise<string>;
}

/** Opens what was sealed for a vault, with the private key that `unlock()` gave and the vault's public key. */
export function createOpener(privateKey: CryptoKey, vault: Bytes): Opener {
  const keys = new Map<string, Promise<CryptoKey>>();

  const derive = async (sealer: Bytes): Promise<CryptoKey> =>
    aesKey(await sealingKey(privateKey, sealer, { sealer, vault }), "decrypt");

  /** The last used is the last of the map. */
  const keyFor = (sealer: Bytes): Promise<CryptoKey> => {
    const name = toBase64url(sealer);
    const key = keys.get(name) ?? derive(sealer);
    keys.delete(name);
    keys.set(name, key);
    for (const oldest of keys.keys()) if (keys.size > KEYS_KEPT) keys.delete(oldest);
    return key;
  };

  return {
    async open(id, { key, iv, data }) {
      try {
        const text = await decrypt(await keyFor(key), iv, data, boundTo(id));
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
      } catch (cause) {
        throw new VaultError(
          "vault-damaged",
          `${id} cannot be opened: it was changed, or sealed for another vault. Restore it from a copy, or delete it.`,
          { cause },
        );
      }
    },
  };
}
