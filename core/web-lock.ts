/**
 * Locks tell who is alive: the browser releases them when their realm dies, however it dies.
 * https://w3c.github.io/web-locks/
 *
 * Node has none before version 24.5, insecure contexts have none, and where storage is refused (in other sites' frames,
 * say) they are too. There a realm is on its own.
 */
const locks = (): LockManager | undefined => globalThis.navigator?.locks;

/** Resolves once this realm holds the lock, which it then keeps for as long as it lives; at once where it cannot. */
export async function holdLock(name: string): Promise<void> {
  const manager = locks();
  await new Promise<void>((held) => {
    if (!manager) return held();
    const keep = () => {
      held();
      return new Promise<never>(() => {});
    };
    manager.request(name, keep).catch(() => held()); // refused
  });
}

/** Resolves when nobody holds the lock (any more); never, where nobody can tell. */
export async function lockReleased(name: string): Promise<void> {
  const never = new Promise<void>(() => {});
  await (locks()
    ?.request(name, () => {})
    .catch(() => never) ?? never);
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

/** Runs the task while this realm holds the lock; without it where there are none. Rejects if the signal ends the wait. */
export async function withLock<T>(name: string, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined;
  await locks()
    ?.request(name, { signal }, () => {
      result = task();
      return result.catch(() => {}); // told below
    })
    .catch((cause: unknown) => {
      if (signal.aborted) throw cause;
    });
  return result ?? task();
}

/** Names of the locks that anybody of the origin holds; `null` where nobody can say. */
export async function heldLocks(): Promise<ReadonlySet<string | undefined> | null> {
  const snapshot = await locks()
    ?.query()
    .catch(() => null);
  return snapshot ? new Set((snapshot.held ?? []).map(({ name }) => name)) : null;
}
