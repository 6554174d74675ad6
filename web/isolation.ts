/** Set in a tab that was reloaded once: whatever comes of it, it is not reloaded again. */
const RELOADED = "minivault-reloaded-for-isolation";
/** Time for a reload to replace the page. */
const RELOAD_MS = 5_000;

/**
 * On a host that cannot send the headers of cross-origin isolation, the service worker adds them to what it keeps. So a
 * first visit, which came from the host, is reloaded once, from the service worker, as soon as that is in control:
 * then the CPU computes on several threads. Without it all works, on one.
 *
 * @param started settles once requests can be answered; so does what is returned, if there is no reload
 */
export async function isolateOnce(started: Promise<void>): Promise<void> {
  // Whoever has clicked or typed would lose it. The next visit is isolated anyway.
  let touched = false;
  for (const type of ["pointerdown", "keydown", "input"]) {
    window.addEventListener(
      type,
      () => {
        touched = true;
      },
      { capture: true, once: true },
    );
  }
  await started;
  if (touched || !wouldHelp() || !remember()) return;
  location.reload();
  await new Promise((resolve) => setTimeout(resolve, RELOAD_MS));
}

const wouldHelp = () =>
  isSecureContext && window === window.top && !crossOriginIsolated && !!navigator.serviceWorker?.controller;

/** False if this tab was reloaded before, or if it cannot be remembered that it was. */
function remember(): boolean {
  try {
    if (sessionStorage.getItem(RELOADED)) return false;
    sessionStorage.setItem(RELOADED, "yes");
    return sessionStorage.getItem(RELOADED) !== null;
  } catch {
    return false; // storage is blocked or full
  }
}
