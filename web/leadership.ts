import { ENGINE_LOCK, VISIBLE_LOCK } from "../core/protocol.ts";
import { requestLock } from "../core/web-lock.ts";

export interface Leadership {
  /** Takes the lead from whoever has it. */
  takeOver(): void;
}

export interface Role {
  lead(): void;
  /** Must let go of everything at once: the page may be frozen as soon as this has returned. */
  resign(): void;
}

/**
 * One page of the origin leads while it holds a Web Lock; the browser passes it on however that page ends. A page that
 * freezes or goes into the back/forward cache gives it up, and asks again when it is back.
 * https://developer.chrome.com/docs/web-platform/page-lifecycle-api
 */
export function seekLeadership({ lead, resign }: Role): Leadership {
  let awake = false;
  let leading = false;
  let dropEngine = () => {};
  let dropVisible = () => {};

  const queue = (steal = false) => {
    dropEngine();
    let dropped = false;
    const drop = requestLock(ENGINE_LOCK, {
      steal,
      async onHeld() {
        // Back to the end of the queue, if a page that people look at waits there.
        if (document.visibilityState === "hidden" && !steal && (await visiblePageWaits())) {
          return dropped ? undefined : queue();
        }
        if (dropped) return;
        leading = true;
        lead();
      },
      onLost() {
        if (dropped) return;
        stepDown();
        queue();
      },
    });
    dropEngine = () => {
      dropped = true;
      drop();
    };
  };

  const stepDown = () => {
    if (!leading) return;
    leading = false;
    resign();
  };

  const showVisibility = () => {
    dropVisible();
    if (awake && document.visibilityState === "visible") dropVisible = requestLock(VISIBLE_LOCK, { mode: "shared" });
  };

  const wake = () => {
    if (awake) return;
    awake = true;
    showVisibility();
    queue();
  };

  const sleep = () => {
    awake = false;
    stepDown();
    dropEngine();
    dropVisible();
  };

  document.addEventListener("visibilitychange", showVisibility);
  document.addEventListener("freeze", sleep);
  document.addEventListener("resume", wake);
  window.addEventListener("pagehide", sleep);
  window.addEventListener("pageshow", wake);
  wake();

  return {
    takeOver() {
      if (awake && !leading) queue(true);
    },
  };
}

async function visiblePageWaits(): Promise<boolean> {
  const { held = [], pending = [] } = await navigator.locks.query();
  const visible = new Set(held.filter(({ name }) => name === VISIBLE_LOCK).map(({ clientId }) => clientId));
  return pending.some(({ name, clientId }) => name === ENGINE_LOCK && visible.has(clientId));
}
