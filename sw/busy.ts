import { PING_PATH, STREAMS_LOCK } from "../core/protocol.ts";
import { tellPages } from "./engine-link.ts";

/** The record of an answer is stored before its last bytes are on their way. */
const LAST_BYTES_MS = 1_000;

export interface Busy {
  onBusy(answers: number): void;
  /** Another page may host the engine now, which was not told. */
  remind(): void;
  /** Pages ping while answers are under way: 204 asks for more of that, 205 for an end. */
  answerPing(): Response;
}

/**
 * What the browser and other workers need to know while answers are under way. Firefox ends a service worker's streams
 * after 60 seconds without events, silently, so the page that hosts the engine sends some; an update waits for the lock.
 */
export function createBusy(): Busy {
  let answers = 0;
  let release: (() => void) | undefined;

  const hold = () => {
    if (release) return;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    void navigator.locks.request(STREAMS_LOCK, { mode: "shared" }, () => released);
    void tellPages({ type: "keep-alive" });
  };

  return {
    onBusy(now) {
      answers = now;
      if (answers > 0) return hold();
      setTimeout(() => {
        if (answers > 0) return;
        release?.();
        release = undefined;
      }, LAST_BYTES_MS);
    },
    remind() {
      if (answers > 0) void tellPages({ type: "keep-alive" });
    },
    answerPing: () => new Response(null, { status: answers > 0 ? 204 : 205 }),
  };
}

export const isPing = ({ url }: Request, base: URL): boolean => url === new URL(PING_PATH, base).href;
