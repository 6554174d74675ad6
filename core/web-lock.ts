/**
 * Locks tell who is alive: the browser releases them when their realm dies, however it dies.
 * https://w3c.github.io/web-locks/
 *
 * Node has none before version 24, and a page over plain `http:` has none either: there, nobody dies.
 */
const locks = (): LockManager | undefined => globalThis.navigator?.locks;

/** Resolves once this realm holds the lock, which it then keeps for as long as it lives. */
export function holdLock(name: string): Promise<void> {
  return new Promise((held, failed) => {
    const manager = locks();
    if (!manager) return held();
    manager
      .request(name, () => {
        held();
        return new Promise<never>(() => {});
      })
      .catch(failed);
  });
}

/** Resolves when nobody holds the lock (any more). */
export function lockReleased(name: string): Promise<void> {
  return locks()?.request(name, () => {}) ?? new Promise(() => {});
}

/** Names of the locks that are held now; `null` where nobody can tell. */
export async function heldLocks(): Promise<ReadonlySet<string> | null> {
  const { held = [] } = (await locks()?.query()) ?? {};
  return locks() ? new Set(held.map(({ name }) => name ?? "")) : null;
}
