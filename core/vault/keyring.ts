import type { Bytes } from "./bytes.ts";

/** A vault's private key, and how long it may lie about. */
interface HeldKey {
  readonly scalar: Bytes;
  /** It is forgotten once it was not used for so long. */
  readonly idleMs: number;
  readonly locksAtMs: number;
}

type Message = { readonly type: "who" } | { readonly type: "held"; readonly held: HeldKey } | { readonly type: "lock" };

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
  hold(scalar: Bytes, idleMs: number): void;
  /** Everybody of the origin forgets it. */
  lock(): void;
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
  let onHeld: (() => void)[] = [];

  const keep = (next: HeldKey | null): void => {
    clearTimeout(forgetting);
    held = next;
    if (!next) return;
    forgetting = setTimeout(() => keep(null), next.locksAtMs - now());
    for (const resolve of onHeld) resolve();
    onHeld = [];
  };
  const current = (): HeldKey | null => {
    if (held && held.locksAtMs <= now()) keep(null); // a page in the background may have slept through its timer
    return held;
  };
  const asked = (): Promise<void> =>
    new Promise((resolve) => {
      onHeld.push(resolve);
      setTimeout(resolve, ASK_MS);
      tell({ type: "who" });
    });

  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.type === "held") keep(data.held);
    else if (data.type === "lock") keep(null);
    else if (current()) tell({ type: "held", held: held! });
  });

  const find = async (): Promise<HeldKey | null> => {
    if (!current()) await asked();
    return current();
  };

  return {
    held: find,
    async key() {
      const key = await find();
      if (!key) return null;
      const locksAtMs = now() + key.idleMs;
      if (locksAtMs - key.locksAtMs > TELL_MS) {
        keep({ ...key, locksAtMs });
        tell({ type: "held", held: held! });
      }
      return held;
    },
    hold(scalar, idleMs) {
      keep({ scalar, idleMs, locksAtMs: now() + idleMs });
      tell({ type: "held", held: held! });
    },
    lock() {
      keep(null);
      tell({ type: "lock" });
    },
  };
}
