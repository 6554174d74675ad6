import { aesKey, encrypt, IV_BYTES } from "./aes-gcm.ts";
import { type Bytes, utf8 } from "./bytes.ts";
import { newKeyPair } from "./ecdh.ts";
import { boundTo, type Sealed, sealingKey } from "./sealed.ts";
import { damaged } from "./stored-vault.ts";
import { randomBytes } from "./subtle.ts";

/** Far below 2³², where random ivs might meet. https://doi.org/10.6028/NIST.SP.800-38D section 8.3 */
const SEALS_PER_KEY = 1_000_000;

export interface Sealer {
  /**
   * It opens with this id only. The text is stored as UTF-8: halves of a character are lost unless they are escaped, as
   * they are in JSON. Rejects with `vault-damaged` if the public key is none.
   */
  seal(id: string, text: string): Promise<Sealed>;
}

interface Pair {
  readonly key: CryptoKey;
  readonly publicKey: Bytes;
}

/** Seals for a vault, locked or not, with the vault's public key. It cannot open what it sealed. */
export function createSealer(vault: Bytes, { sealsPerKey = SEALS_PER_KEY } = {}): Sealer {
  let pair: Promise<Pair> | null = null;
  let seals = 0;

  const take = (): Promise<Pair> => {
    if (!pair || seals === sealsPerKey) {
      seals = 0;
      pair = newPair(vault).catch((cause) => {
        pair = null;
        throw cause;
      });
    }
    seals++;
    return pair;
  };

  return {
    async seal(id, text) {
      const { key, publicKey } = await take();
      const iv = randomBytes(IV_BYTES);
      return { key: publicKey, iv, data: await encrypt(key, iv, utf8(text), boundTo(id)) };
    },
  };
}

async function newPair(vault: Bytes): Promise<Pair> {
  const { privateKey, publicKey } = await newKeyPair(false);
  try {
    const bytes = await sealingKey(privateKey, vault, { sealer: publicKey, vault });
    return { key: await aesKey(bytes, "encrypt"), publicKey };
  } catch (cause) {
    throw damaged(cause);
  }
}
