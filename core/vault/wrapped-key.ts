import { VaultError } from "../errors.ts";
import { aesKey, decrypt, encrypt, IV_BYTES } from "./aes-gcm.ts";
import { type Bytes, toBase64url, utf8 } from "./bytes.ts";
import { hkdf, pbkdf2 } from "./derive.ts";
import { boundToHead, damaged, type Vault, type VaultHead } from "./stored-vault.ts";
import { randomBytes } from "./subtle.ts";

/** https://doi.org/10.6028/NIST.SP.800-132 section 5.1 asks for 128 bits. */
const SALT_BYTES = 16;

/** A key pair as only the passphrase opens it. The scalar is the private key. */
export async function wrap(scalar: Bytes, publicKey: Bytes, passphrase: Bytes, iterations: number): Promise<Vault> {
  const head = { iterations, salt: randomBytes(SALT_BYTES), publicKey };
  const { key, check } = await keysOf(passphrase, head);
  const iv = randomBytes(IV_BYTES);
  return { ...head, check, iv, data: await encrypt(await aesKey(key, "encrypt"), iv, scalar, boundToHead(head)) };
}

/** The scalar. Rejects with `wrong-passphrase` or `vault-damaged`. */
export async function unwrap(vault: Vault, passphrase: Bytes): Promise<Bytes> {
  const { key, check } = await keysOf(passphrase, vault);
  if (toBase64url(check) !== toBase64url(vault.check))
    throw new VaultError("wrong-passphrase", "This is not the passphrase that the log was locked with. Try again.");
  try {
    return await decrypt(await aesKey(key, "decrypt"), vault.iv, vault.data, boundToHead(vault));
  } catch (cause) {
    throw damaged(cause);
  }
}

/**
 * The key of the private key, and a value that tells whether the passphrase is right and nothing else. Not both of PBKDF2,
 * which would take us twice as long, and one who guesses no longer: the check is all they need.
 */
async function keysOf(passphrase: Bytes, { salt, iterations }: VaultHead): Promise<{ key: Bytes; check: Bytes }> {
  const secret = await pbkdf2(passphrase, salt, iterations, 256);
  const part = (name: string) => hkdf(secret, new Uint8Array(), utf8(`minivault vault 1 ${name}`), 256);
  return { key: await part("key"), check: await part("check") };
}
