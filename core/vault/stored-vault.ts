import { VaultError } from "../errors.ts";
import { type Bytes, fromBase64url, toBase64url, utf8 } from "./bytes.ts";
import { subtle } from "./subtle.ts";

const VERSION = 1;
const KDF = "PBKDF2-SHA-256";

/** What is kept of a vault: nothing that would open it. Bytes are base64url. */
export interface StoredVault {
  readonly version: typeof VERSION;
  readonly kdf: { readonly name: typeof KDF; readonly iterations: number; readonly salt: string };
  readonly public_key: string;
  /** Tells a wrong passphrase. */
  readonly check: string;
  /** Its scalar, encrypted. */
  readonly private_key: { readonly iv: string; readonly data: string };
  /** SHA-256 of the rest. Tells damage from a wrong passphrase; who changes the vault on purpose can mend it. */
  readonly checksum: string;
}

export interface VaultHead {
  readonly iterations: number;
  readonly salt: Bytes;
  readonly publicKey: Bytes;
}

export interface Vault extends VaultHead {
  readonly check: Bytes;
  readonly iv: Bytes;
  readonly data: Bytes;
}

/** A list of names is also their order: the same vault has the same text, whoever stored it. */
const HEAD_FIELDS = ["version", "kdf", "name", "iterations", "salt", "public_key"];
const ALL_FIELDS = [...HEAD_FIELDS, "check", "private_key", "iv", "data"];

const headOf = ({ iterations, salt, publicKey }: VaultHead): Pick<StoredVault, "version" | "kdf" | "public_key"> => ({
  version: VERSION,
  kdf: { name: KDF, iterations, salt: toBase64url(salt) },
  public_key: toBase64url(publicKey),
});

/** What the private key is encrypted with beside its key, so that none of it can be changed. */
export const boundToHead = (head: VaultHead): Bytes => utf8(JSON.stringify(headOf(head), HEAD_FIELDS));

export async function writeVault(vault: Vault): Promise<StoredVault> {
  const rest = {
    ...headOf(vault),
    check: toBase64url(vault.check),
    private_key: { iv: toBase64url(vault.iv), data: toBase64url(vault.data) },
  };
  return { ...rest, checksum: await checksumOf(rest) };
}

/** Throws `vault-damaged` if any of it is not as it was written. */
export async function readVault(stored: StoredVault): Promise<Vault> {
  const { version, kdf, public_key, check, private_key, checksum } = stored;
  if (version !== VERSION || kdf?.name !== KDF || checksum !== (await checksumOf(stored))) throw damaged();
  try {
    return {
      iterations: kdf.iterations,
      salt: fromBase64url(kdf.salt),
      publicKey: fromBase64url(public_key),
      check: fromBase64url(check),
      iv: fromBase64url(private_key.iv),
      data: fromBase64url(private_key.data),
    };
  } catch (cause) {
    throw damaged(cause);
  }
}

const checksumOf = async (vault: Omit<StoredVault, "checksum">): Promise<string> =>
  toBase64url(new Uint8Array(await subtle().digest("SHA-256", utf8(JSON.stringify(vault, ALL_FIELDS)))));

export const damaged = (cause?: unknown) =>
  new VaultError(
    "vault-damaged",
    "What is stored of the vault was changed, or a newer version of this page wrote it. Reload the page; if it persists, " +
      "restore the vault from a copy.",
    { cause },
  );
