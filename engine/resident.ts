import type { LanguageModel } from "./model.ts";

/** Longer than this a timer cannot wait. https://html.spec.whatwg.org/#dom-settimeout */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A loaded model. It is disposed once it is retired and nobody uses it any more. */
export interface Resident {
  readonly model: LanguageModel;
  readonly loadMs: number;
  readonly isUsed: boolean;
  readonly isRetired: boolean;
  /** When it expires if nobody uses it, in milliseconds since 1970; `null`: never. */
  readonly expiresMs: number | null;
  take(): void;
  release(): Promise<void>;
  /** For how long it stays after its last use; `null` changes nothing. */
  keepAlive(ms: number | null): void;
  /** Settles at once; `onDisposed` tells when its memory is free. */
  retire(): Promise<void>;
}

export interface ResidentOptions {
  readonly loadMs: number;
  /** As long as nobody says otherwise. */
  readonly keepMs: number;
  /** It has been idle for as long as it was to be kept; who owns it then retires it. */
  readonly onExpired: () => void;
  /** Nobody uses it any more. */
  readonly onIdle: () => void;
  readonly onDisposed: () => void;
}

export function createResident(model: LanguageModel, options: ResidentOptions): Resident {
  const { loadMs, onExpired, onIdle, onDisposed } = options;
  let { keepMs } = options;
  let users = 0;
  let isRetired = false;
  let expiresMs: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = () => {
    clearTimeout(timer);
    expiresMs = null;
    if (users > 0 || isRetired || keepMs > MAX_TIMER_MS) return;
    if (keepMs === 0) return onExpired();
    expiresMs = Date.now() + keepMs;
    timer = setTimeout(onExpired, keepMs);
    (timer as { unref?: () => void }).unref?.(); // no reason for Node to stay alive
  };

  const dispose = async () => {
    try {
      await model.dispose();
    } finally {
      onDisposed();
    }
  };

  return {
    model,
    loadMs,
    get isUsed() {
      return users > 0;
    },
    get isRetired() {
      return isRetired;
    },
    get expiresMs() {
      return expiresMs;
    },
    take() {
      users++;
      wait();
    },
    async release() {
      users--;
      if (users > 0) return;
      if (isRetired) await dispose();
      else wait();
      onIdle();
    },
    keepAlive(ms) {
      if (ms === null) return;
      keepMs = ms;
      wait();
    },
    async retire() {
      if (isRetired) return;
      isRetired = true;
      wait();
      if (users === 0) await dispose();
    },
  };
}
