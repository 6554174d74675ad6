import type { Fallback } from "../core/protocol.ts";
import type { LanguageModel } from "./model.ts";

/** Longer than this a timer cannot wait. https://html.spec.whatwg.org/#dom-settimeout */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A loaded model. It is disposed once it is retired and nobody uses it any more. */
export interface Resident {
  readonly model: LanguageModel;
  readonly loadMs: number;
  /** Set when it stands in for another one. */
  fallback: Fallback | null;
  /** When it expires if nobody uses it, in milliseconds since 1970; `null`: never. */
  readonly expiresMs: number | null;
  take(): void;
  release(): Promise<void>;
  /** For how long it stays after its last use, for ever until this is called; `null` changes nothing. */
  keepAlive(ms: number | null): void;
  retire(): Promise<void>;
}

/** `onExpired` is called when it has been idle for as long as it was to be kept; who owns it then retires it. */
export function createResident(model: LanguageModel, loadMs: number, onExpired: () => void): Resident {
  let users = 0;
  let retired = false;
  let keepMs = Number.POSITIVE_INFINITY;
  let expiresMs: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = () => {
    clearTimeout(timer);
    expiresMs = null;
    if (users > 0 || retired || keepMs > MAX_TIMER_MS) return;
    if (keepMs === 0) return onExpired();
    expiresMs = Date.now() + keepMs;
    timer = setTimeout(onExpired, keepMs);
    (timer as { unref?: () => void }).unref?.(); // no reason for Node to stay alive
  };

  return {
    model,
    loadMs,
    fallback: model.fallback,
    get expiresMs() {
      return expiresMs;
    },
    take() {
      users++;
      wait();
    },
    async release() {
      users--;
      if (users === 0 && retired) await model.dispose();
      else wait();
    },
    keepAlive(ms) {
      if (ms === null) return;
      keepMs = ms;
      wait();
    },
    async retire() {
      if (retired) return;
      retired = true;
      wait();
      if (users === 0) await model.dispose();
    },
  };
}
