import type { Bytes } from "./bytes.ts";
import { newKeyPair, privateKeyOf, scalarOf } from "./ecdh.ts";
import { createOpener, type Opener } from "./opener.ts";
import { newPassphraseBytes, passphraseBytes } from "./passphrase.ts";
import { readVault, type StoredVault, writeVault } from "./stored-vault.ts";
import { unwrap, wrap } from "./wrapped-key.ts";

export interface VaultOptions {
  /** Of PBKDF2: what each guess at the passphrase costs. */
  readonly iterations?: number;
}

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2 */
const ITERATIONS = 600_000;

/** A new key pair: its public key seals, and the passphrase alone opens. Rejects with `bad-request` if that is short. */
export async function createVault(
  passphrase: string,
  { iterations = ITERATIONS }: VaultOptions = {},
): Promise<StoredVault> {
  const bytes = newPassphraseBytes(passphrase);
  const { privateKey, publicKey } = await newKeyPair(true);
  return writeVault(await wrap(await scalarOf(privateKey), publicKey, bytes, iterations));
}

/**
 * The private key's scalar, for `openerOf()`. Rejects with `wrong-passphrase`, with `vault-damaged`, or with `bad-request` if
 * the passphrase is empty.
 */
export async function unlock(stored: StoredVault, passphrase: string): Promise<Bytes> {
  const bytes = passphraseBytes(passphrase);
  return unwrap(await readVault(stored), bytes);
}

/** Opens what was sealed for this vault. */
export async function openerOf(stored: StoredVault, scalar: Bytes): Promise<Opener> {
  const { publicKey } = await readVault(stored);
  return createOpener(await privateKeyOf(scalar, publicKey), publicKey);
}

/** The same key pair, so that what was sealed still opens. Rejects as `unlock()` and `createVault()` do. */
export async function changePassphrase(
  stored: StoredVault,
  passphrase: string,
  next: string,
  { iterations = ITERATIONS }: VaultOptions = {},
): Promise<StoredVault> {
  const [bytes, nextBytes] = [passphraseBytes(passphrase), newPassphraseBytes(next)];
  const vault = await readVault(stored);
  return writeVault(await wrap(await unwrap(vault, bytes), vault.publicKey, nextBytes, iterations));
}

/** What a sealer and an opener need to know of a vault. Rejects with `vault-damaged`: nobody could open what is sealed. */
export const publicKeyOf = async (stored: StoredVault): Promise<Bytes> => (await readVault(stored)).publicKey;
