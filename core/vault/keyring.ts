import type { Bytes } from "./bytes.ts";

/** A vault's private key, and how long it may lie about. */
interface HeldKey {
  readonly scalar: Bytes;
  /** It is forgotten once it was not used for so long. */
  readonly idleMs: number;
  readonly locksAtMs: number;
  /** How often the vault had been locked when somebody began to unlock it: one more, and the key is refused. */
  readonly locks: number;
}

type Message =
  | { readonly type: "who" }
  | { readonly type: "held"; readonly held: HeldKey }
  | { readonly type: "lock"; readonly locks: number };

const CHANNEL = "minivault-keys";
/** Where nobody holds the key nobody answers. */
const ASK_MS = 300;
/** Others are told no more often than this that the key was used. */
const TELL_MS = 1_000;

export interface Keyring {
  /** `null`: nobody holds the key. */
  held(): Promise<HeldKey | null>;
  /** The same; using it puts off the moment when it is forgotten. */
  key(): Promise<HeldKey | null>;
  /** @returns `false`: the vault has been locked since it was `locks` times */
  hold(scalar: Bytes, idleMs: number, locks?: number): boolean;
  /**
   * Everybody of the origin forgets it, and takes no key from before.
   * @param times how often the vault has been locked; nothing happens if that is known already
   * @returns how often it has been, as far as anybody knows
   */
  lock(times?: number): number;
}

/**
 * The key of an unlocked vault, in memory only, in every page and worker of the origin that has a keyring: a service worker
 * is stopped when nothing happens, and learns it again from a page.
 */
export function createKeyring(now: () => number = Date.now): Keyring {
  const channel = new BroadcastChannel(CHANNEL);
  const tell = (message: Message) => channel.postMessage(message);
  let held: HeldKey | null = null;
  let forgetting: ReturnType<typeof setTimeout> | undefined;
  let locks = 0;
  const onHeld = new Set<() => void>();

  const forget = (): void => {
    clearTimeout(forgetting);
    held = null;
  };
  /** A message with a key may be on its way while another one locks. */
  const keep = (next: HeldKey): boolean => {
    if (!(next.locks >= locks)) return false;
    clearTimeout(forgetting);
    locks = next.locks;
    held = next;
    forgetting = setTimeout(forget, next.locksAtMs - now());
    for (const resolve of onHeld) resolve();
    return true;
  };
  const lockTo = (times: number): boolean => {
    if (times <= locks) return false;
    locks = times;
    forget();
    return true;
  };
  const current = (): HeldKey | null => {
    if (held && held.locksAtMs <= now()) forget(); // a page in the background may have slept through its timer
    return held;
  };
  const asked = (): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        onHeld.delete(done);
        resolve();
      };
      onHeld.add(done);
      setTimeout(done, ASK_MS);
      tell({ type: "who" });
    });

  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.type === "held") keep(data.held);
    else if (data.type === "lock") lockTo(data.locks);
    else if (current()) tell({ type: "held", held: held! });
  });

  const find = async (): Promise<HeldKey | null> => {
    if (!current()) await asked();
    return current();
  };

  return {
    held: find,
    async key() {
      await find();
      if (!held) return null; // also if it was locked meanwhile
      const locksAtMs = now() + held.idleMs;
      if (locksAtMs - held.locksAtMs > TELL_MS) {
        keep({ ...held, locksAtMs });
        tell({ type: "held", held });
      }
      return held;
    },
    hold(scalar, idleMs, before = locks) {
      const isKept = keep({ scalar, idleMs, locksAtMs: now() + idleMs, locks: before });
      if (isKept) tell({ type: "held", held: held! });
      return isKept;
    },
    lock(times = locks + 1) {
      if (lockTo(times)) tell({ type: "lock", locks });
      return locks;
    },
  };
}
