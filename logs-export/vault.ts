import { VaultError } from "../core/errors.ts";
import type { LogRecord, LogVault } from "../core/log/log-record.ts";
import type { TokenEvent } from "../core/protocol.ts";
import type { Bytes } from "../core/vault/bytes.ts";
import { createKeyring } from "../core/vault/keyring.ts";
import type { Opener } from "../core/vault/opener.ts";
import { createSealer, type Sealer } from "../core/vault/sealer.ts";
import type { StoredVault } from "../core/vault/stored-vault.ts";
import { changePassphrase, createVault, openerOf, publicKeyOf, unlock } from "../core/vault/vault.ts";
import { VAULT_IS_NEW } from "./ledger.ts";
import { type Sealable, sealEvents, sealRecord } from "./seals.ts";
import { type Database, LOCKS, type SealedEvents, UNSEALED, VAULT } from "./tables.ts";

const LOCKED = new VaultError("vault-locked", "The log is locked. Unlock it with its passphrase to read it.");
const EXISTS = new VaultError("vault-exists", "The log has a passphrase already. Change it, or lock the log with it.");
const CHANGED = new VaultError("wrong-passphrase", "Another tab has just changed the passphrase. Use the new one.");
const NONE = new VaultError("vault-missing", "The log has no passphrase yet. Set one with POST /logs/vault.");

export interface StoreVault {
  /** As it may be stored: as it is, where there is no vault. */
  record(db: Database, record: LogRecord): Promise<Sealable>;
  events(
    db: Database,
    id: string,
    from: number,
    events: readonly TokenEvent[],
  ): Promise<SealedEvents | readonly TokenEvent[]>;
  /** Writes what was sealed, or was not; anew, if a vault was made meanwhile. */
  writing<T>(write: () => Promise<T>): Promise<T>;
  /** `null`: there is no vault. Rejects with `vault-locked`. */
  opener(db: Database): Promise<Opener | null>;
  /** Of an unlocked vault; else `null`. */
  keys(db: Database): Promise<{ readonly sealer: Sealer; readonly opener: Opener } | null>;
  sealer(db: Database): Promise<Sealer | null>;
  readonly control: LogVault;
}

/** The vault of a log in IndexedDB. `onChange`: it was made, locked or unlocked, and this is what is to be done then. */
export function createStoreVault(open: () => Promise<Database>, onChange: (db: Database) => Promise<void>): StoreVault {
  const keyring = createKeyring();
  let known: Promise<{ readonly stored: StoredVault; readonly sealer: Sealer } | null> | undefined;
  let opened: { readonly stored: StoredVault; readonly opener: Opener } | undefined;

  function forget(): void {
    known = undefined;
  }
  const load = (db: Database) => {
    known ??= storedIn(db).then(
      async (stored) => stored && { stored, sealer: createSealer(await publicKeyOf(stored)) },
    );
    known.catch(forget);
    return known;
  };
  const sealer = async (db: Database): Promise<Sealer | null> => (await load(db))?.sealer ?? null;

  /** How often it was locked, as is stored: a page that was frozen meanwhile hands over a key from before. */
  const locksIn = async (db: Database): Promise<number> =>
    keyring.lock(((await db.get("keys", LOCKS)) as number | undefined) ?? 0);
  const hold = (scalar: Bytes, idleMs: number, locks: number): void => {
    if (!keyring.hold(scalar, idleMs, locks)) throw LOCKED;
  };

  const keys: StoreVault["keys"] = async (db) => {
    const vault = await load(db);
    if (vault) await locksIn(db);
    const key = vault && (await keyring.key());
    if (!key) {
      opened = undefined;
      return null;
    }
    if (opened?.stored !== vault.stored) {
      opened = { stored: vault.stored, opener: await openerOf(vault.stored, key.scalar) };
    }
    return { sealer: vault.sealer, opener: opened.opener };
  };
  /** The vault as it is stored: another tab may have changed its passphrase. */
  const current = async (db: Database): Promise<StoredVault> => {
    forget();
    const vault = await load(db);
    if (!vault) throw NONE;
    return vault.stored;
  };

  return {
    sealer,
    keys,
    async record(db, record) {
      const seal = await sealer(db);
      return seal ? sealRecord(seal, record) : { record };
    },
    async events(db, id, from, events) {
      const seal = await sealer(db);
      return seal ? sealEvents(seal, id, from, events) : events;
    },
    async writing(write) {
      try {
        return await write();
      } catch (cause) {
        if (cause !== VAULT_IS_NEW) throw cause;
        forget();
        return write();
      }
    },
    async opener(db) {
      if (!(await load(db))) forget(); // another tab may make one
      if (!(await load(db))) return null;
      const unlocked = await keys(db);
      if (!unlocked) throw LOCKED;
      return unlocked.opener;
    },
    control: {
      async status() {
        const db = await open();
        if (!(await storedIn(db))) return { state: "none", locks_at: null };
        await locksIn(db);
        const key = await keyring.held();
        if (!key) return { state: "locked", locks_at: null };
        return { state: "unlocked", locks_at: new Date(key.locksAtMs).toISOString() };
      },
      async create(passphrase, idleMs) {
        const db = await open();
        const locks = await locksIn(db);
        const made = await createVault(passphrase);
        const tx = db.transaction("keys", "readwrite");
        const other = await tx.store.get(VAULT);
        if (!other) {
          await tx.store.put(made, VAULT);
          await tx.store.put(true, UNSEALED);
        }
        await tx.done;
        if (other) throw EXISTS;
        forget();
        hold(await unlock(made, passphrase), idleMs, locks);
        await onChange(db);
      },
      async unlock(passphrase, idleMs) {
        const db = await open();
        const locks = await locksIn(db);
        const stored = await current(db);
        const scalar = await unlock(stored, passphrase);
        if ((await current(db)).checksum !== stored.checksum) throw CHANGED;
        hold(scalar, idleMs, locks);
        await onChange(db);
      },
      async lock() {
        const db = await open();
        await current(db);
        keyring.lock(); // whatever becomes of the rest
        opened = undefined;
        const tx = db.transaction("keys", "readwrite");
        const before = ((await tx.store.get(LOCKS)) as number | undefined) ?? 0;
        await tx.store.put(keyring.lock(before + 1), LOCKS);
        await tx.done;
        await onChange(db);
      },
      async changePassphrase(passphrase, next) {
        const db = await open();
        const before = await current(db);
        const changed = await changePassphrase(before, passphrase, next);
        const tx = db.transaction("keys", "readwrite");
        const now = (await tx.store.get(VAULT)) as StoredVault | undefined;
        if (now?.checksum === before.checksum) await tx.store.put(changed, VAULT);
        await tx.done;
        forget();
        if (now?.checksum !== before.checksum) throw CHANGED;
      },
    },
  };
}

const storedIn = async (db: Database): Promise<StoredVault | null> =>
  ((await db.get("keys", VAULT)) as StoredVault | undefined) ?? null;
