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

export interface LockRequest {
  readonly mode?: LockMode;
  /** Takes the lock from whoever holds it. */
  readonly steal?: boolean;
  readonly onHeld?: () => void;
  /** It was stolen. */
  readonly onLost?: () => void;
}

/** Asks for a lock. The function that comes back gives it up, or stops waiting for it. */
export function requestLock(name: string, { mode = "exclusive", steal = false, onHeld, onLost }: LockRequest) {
  const given = new AbortController();
  let held = false;
  locks()
    ?.request(name, steal ? { mode, steal } : { mode, signal: given.signal }, () => {
      if (given.signal.aborted) return;
      held = true;
      onHeld?.();
      return new Promise<void>((release) => {
        given.signal.addEventListener("abort", () => release());
        if (given.signal.aborted) release(); // by `onHeld`
      });
    })
    .catch(() => {
      if (held && !given.signal.aborted) onLost?.();
    });
  return () => given.abort();
}

/** Names of the locks that are held now; `null` where nobody can tell. */
export async function heldLocks(): Promise<ReadonlySet<string> | null> {
  const { held = [] } = (await locks()?.query()) ?? {};
  return locks() ? new Set(held.map(({ name }) => name ?? "")) : null;
}
