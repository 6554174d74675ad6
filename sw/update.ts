import { STREAMS_LOCK, type SwToPage } from "../core/protocol.ts";
import { isKept } from "./shell-cache.ts";

declare const self: ServiceWorkerGlobalScope;

/** Time for a page that works to say so. */
const ANSWER_MS = 3_000;

/** Time for a page to load, which some may be doing. */
const LOAD_MS = 5_000;

/** The page asks again as long as it wants the update: a worker whose event lasts for minutes is stopped. */
const WAIT_MS = 15_000;

/** Pages that did not answer; whoever is stopped forgets them, and asks again. */
const silent = new Set<string>();

type UpdateMessage =
  /** From a page; the name is workbox-window's. */
  | { readonly type: "SKIP_WAITING" }
  /** To the waiting worker, from itself once it is installed, and from the active one when there are requests. */
  | { readonly type: "rescue" }
  /** From the new worker to itself: as an event of its own, it holds up neither activation nor requests. */
  | { readonly type: "reload-old-pages" };

/** A new version waits until a page asks for it, or until no page is able to ask. */
export function installUpdates(): void {
  let isUpdate = true;
  const send = (worker: ServiceWorker | null, message: UpdateMessage) => worker?.postMessage(message);

  self.addEventListener("install", () => {
    const { active, installing } = self.registration;
    isUpdate = active !== null;
    if (!isUpdate) return;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed") send(installing, { type: "rescue" });
    });
  });
  self.addEventListener("activate", () => {
    if (isUpdate) send(self.registration.active, { type: "reload-old-pages" });
  });
  // Any request may be the sign of a visit: navigations themselves may come from the cache, by a static route.
  let asking = false;
  self.addEventListener("fetch", (event) => {
    if (asking || !self.registration.waiting) return;
    asking = true;
    const asked = sleep(LOAD_MS).then(() => {
      asking = false;
      send(self.registration.waiting, { type: "rescue" });
    });
    event.waitUntil(asked);
  });
  self.addEventListener("message", (event) => {
    const message = event.data as UpdateMessage | null;
    if (message?.type === "SKIP_WAITING") event.waitUntil(takeOver());
    if (message?.type === "rescue") event.waitUntil(rescue());
    if (message?.type === "reload-old-pages") event.waitUntil(reloadOldPages());
  });
}

/** Takes the place of the active worker when that streams nothing any more. */
async function takeOver(): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    // The lock is not held until the promise settles: it does after activation, which waits for the old worker's events.
    await navigator.locks.request(STREAMS_LOCK, { signal }, () => void self.skipWaiting());
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

/** Pages of a broken version cannot offer the update: if some are open and none works, it comes without being asked. */
async function rescue(): Promise<void> {
  const pages = await openPages();
  if (!pages.some(isOurs)) return;
  const answers = await Promise.all(pages.map((page) => ask(page, ANSWER_MS)));
  if (answers.some((script) => script !== null)) return;
  for (const { id } of pages) silent.add(id);
  await takeOver();
}

/** Most pages reload by themselves. Those that cannot, or were served by the old worker while this one took over: */
async function reloadOldPages(): Promise<void> {
  const reloadOld = async (page: WindowClient) => {
    const script = silent.has(page.id) ? null : await ask(page, LOAD_MS + ANSWER_MS);
    if (script !== null && isKept(script)) return;
    await page.navigate(page.url).catch(() => {}); // closed or reloaded meanwhile
  };
  await Promise.all((await openPages()).filter(isOurs).map(reloadOld));
}

const openPages = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

/** Other pages of the origin may use the API as well, and are left alone. Finds pages as the shell cache does. */
function isOurs({ url }: WindowClient): boolean {
  const { origin, pathname } = new URL(url);
  return [pathname, `${pathname}index.html`, `${pathname}.html`].some(
    (path) => path.endsWith(".html") && isKept(origin + path),
  );
}

/** The script that the page runs, if the page works. */
function ask(page: WindowClient, patienceMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const settle = (script: string | null) => {
      resolve(script);
      port1.close();
    };
    port1.onmessage = ({ data }: MessageEvent<string>) => settle(data);
    setTimeout(() => settle(null), patienceMs);
    page.postMessage({ type: "are-you-working" } satisfies SwToPage, [port2]);
  });
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
