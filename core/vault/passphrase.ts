import { VaultError } from "../errors.ts";
import { type Bytes, utf8 } from "./bytes.ts";

/** Both rules are of https://pages.nist.gov/800-63-3/sp800-63b.html#memsecretver */
const MIN_CHARACTERS = 8;
const normalise = (passphrase: string): string => passphrase.normalize("NFKC");

/** As somebody types it whose keyboard may compose an é otherwise. Throws `bad-request` if there is none. */
export function passphraseBytes(passphrase: string): Bytes {
  if (passphrase === "") throw refuse("passphrase is empty. Send the one that the log was locked with.");
  return utf8(normalise(passphrase));
}

/** Throws `bad-request` if it is too short to set. */
export function newPassphraseBytes(passphrase: string): Bytes {
  const characters = [...normalise(passphrase)].length;
  if (characters >= MIN_CHARACTERS) return passphraseBytes(passphrase);
  throw refuse(
    `passphrase must have at least ${MIN_CHARACTERS} characters, not ${characters}. A few words are easy to remember.`,
  );
}

const refuse = (detail: string) => new VaultError("bad-request", detail, { field: "passphrase" });
