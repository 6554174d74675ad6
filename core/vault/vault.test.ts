import fc from "fast-check";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { createSealer } from "./sealer.ts";
import { readVault, type StoredVault, writeVault } from "./stored-vault.ts";
import { changePassphrase, createVault, openerOf, publicKeyOf, unlock } from "./vault.ts";

const FAST = { iterations: 10 };
const PASSPHRASE = "correct horse";
const DAMAGED = { code: "vault-damaged", status: 500 };
const WRONG = { code: "wrong-passphrase", status: 403 };

let vault: StoredVault;
beforeAll(async () => {
  vault = await createVault(PASSPHRASE, FAST);
});
afterEach(() => vi.unstubAllGlobals());

const unlocked = async (stored: StoredVault, passphrase: string) => openerOf(stored, await unlock(stored, passphrase));

test("a vault as it comes: 600,000 iterations, the right passphrase opens it, and another one does not", async () => {
  const stored = await createVault(PASSPHRASE);
  expect(stored.kdf).toEqual({
    name: "PBKDF2-SHA-256",
    iterations: 600_000,
    salt: expect.stringMatching(/^[\w-]{22}$/),
  });
  const sealed = await createSealer(await publicKeyOf(stored)).seal("a", "secret");
  expect(await (await unlocked(stored, PASSPHRASE)).open("a", sealed)).toBe("secret");
  await expect(unlock(stored, "correct house")).rejects.toMatchObject(WRONG);
});

test("any passphrase of eight characters opens its vault, also out of JSON in another order", async () => {
  const passphrases = fc.string({ unit: "grapheme", minLength: 8 });
  await fc.assert(
    fc.asyncProperty(passphrases, async (passphrase) => {
      fc.pre([...passphrase.normalize("NFKC")].length >= 8);
      const { checksum, private_key, kdf, ...rest } = JSON.parse(
        JSON.stringify(await createVault(passphrase, FAST)),
      ) as StoredVault;
      const { salt, iterations, name } = kdf;
      await unlock({ checksum, private_key, kdf: { salt, iterations, name }, ...rest }, passphrase);
    }),
    { numRuns: 50 },
  );
});

test("no other passphrase opens it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (passphrase) => {
      fc.pre(passphrase !== PASSPHRASE);
      await expect(unlock(vault, passphrase)).rejects.toMatchObject(WRONG);
    }),
  );
});

test("it matters not how a keyboard composes a character", async () => {
  const stored = await createVault("cafe\u0301 \ufb01n ①②", FAST);
  await unlock(stored, "caf\u00e9 fin 12");
});

test("a passphrase that is empty, or too short to set, is a bad request", async () => {
  const bad = (what: RegExp) => ({ code: "bad-request", field: "passphrase", message: expect.stringMatching(what) });
  await expect(createVault("")).rejects.toMatchObject(bad(/at least 8 characters, not 0/));
  await expect(createVault("🔑🔑🔑🔑🔑")).rejects.toMatchObject(bad(/not 5/));
  await expect(unlock(vault, "")).rejects.toMatchObject(bad(/empty/));
  await expect(changePassphrase(vault, PASSPHRASE, "short")).rejects.toMatchObject(bad(/not 5/));
});

test("two vaults of one passphrase have nothing in common", async () => {
  const other = await createVault(PASSPHRASE, FAST);
  expect(other.kdf.salt).not.toBe(vault.kdf.salt);
  expect(other.check).not.toBe(vault.check);
  expect(other.public_key).not.toBe(vault.public_key);
});

/** The names that lead to each text and number of a vault. */
const PLACES = ["version", "kdf.name", "kdf.iterations", "kdf.salt", "public_key", "check"];
PLACES.push("private_key.iv", "private_key.data", "checksum");

test("a bit that flips anywhere in what is stored is damage, whatever the passphrase", async () => {
  const passphrases = fc.constantFrom(PASSPHRASE, "another one");
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PLACES), fc.nat(), passphrases, async (place, bit, passphrase) => {
      const damaged = structuredClone(vault);
      const names = place.split(".");
      const last = names.pop()!;
      // biome-ignore lint/suspicious/noExplicitAny: any place of it.
      const owner = names.reduce((value: any, name) => value[name], damaged);
      owner[last] = flipped(owner[last], bit);
      await expect(unlock(damaged, passphrase)).rejects.toMatchObject(DAMAGED);
      await expect(publicKeyOf(damaged)).rejects.toMatchObject(DAMAGED);
    }),
    { numRuns: 300 },
  );
});

function flipped(value: string | number, bit: number): string | number {
  if (typeof value === "number") return value ^ (1 << (bit % 31));
  const at = bit % value.length;
  const changed = String.fromCharCode(value.charCodeAt(at) ^ (1 << (bit % 7)));
  return value.slice(0, at) + changed + value.slice(at + 1);
}

test("a part that is missing is damage", async () => {
  for (const name of ["version", "kdf", "public_key", "check", "private_key", "checksum"]) {
    await expect(unlock({ ...vault, [name]: undefined }, PASSPHRASE)).rejects.toMatchObject(DAMAGED);
  }
});

test("who mends the checksum cannot slip in a public key, nor a private one", async () => {
  const [own, other] = [await readVault(vault), await readVault(await createVault(PASSPHRASE, FAST))];
  const { publicKey, iv, data, salt, check } = other;
  await expect(unlock(await writeVault({ ...own, publicKey }), PASSPHRASE)).rejects.toMatchObject(DAMAGED);
  await expect(unlock(await writeVault({ ...own, iv, data }), PASSPHRASE)).rejects.toMatchObject(DAMAGED);
  await expect(unlock(await writeVault({ ...own, salt, check }), PASSPHRASE)).rejects.toMatchObject(DAMAGED);
  await expect(unlock(await writeVault({ ...own, iterations: 9 }), PASSPHRASE)).rejects.toMatchObject(WRONG);
});

test("after a change the old passphrase fails, and what was sealed before and since opens with the new one", async () => {
  const before = await createSealer(await publicKeyOf(vault)).seal("a", "before");
  const changed = await changePassphrase(vault, PASSPHRASE, "battery staple", FAST);
  const since = await createSealer(await publicKeyOf(changed)).seal("b", "since");
  await expect(unlock(changed, PASSPHRASE)).rejects.toMatchObject(WRONG);
  await expect(changePassphrase(vault, "battery staple", "some other one", FAST)).rejects.toMatchObject(WRONG);
  const opener = await unlocked(changed, "battery staple");
  expect([await opener.open("a", before), await opener.open("b", since)]).toEqual(["before", "since"]);
});

test("where nothing can be encrypted the page says what to do", async () => {
  vi.stubGlobal("crypto", { getRandomValues: () => new Uint8Array() });
  await expect(createVault(PASSPHRASE)).rejects.toMatchObject({
    code: "bad-config",
    message: expect.stringContaining("https"),
  });
});
