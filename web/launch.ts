/** https://developer.mozilla.org/docs/Web/API/LaunchQueue, in Chromium only. */
interface LaunchQueue {
  setConsumer(consumer: (params: { readonly targetURL?: string }) => void): void;
}
declare const launchQueue: LaunchQueue | undefined;

/**
 * The installed app, launched while it is open, is brought to the front (`launch_handler` in the manifest): a second
 * launch does not cut an answer off. Only a shortcut that leads elsewhere than where the window is goes there.
 */
export function focusExisting(): void {
  if (typeof launchQueue === "undefined") return;
  launchQueue.setConsumer(({ targetURL }) => {
    if (!targetURL) return;
    const target = new URL(targetURL);
    const here = target.pathname === location.pathname;
    if (here && target.hash) location.hash = target.hash;
    else if (!here) location.assign(target);
  });
}
