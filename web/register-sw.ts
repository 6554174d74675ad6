import { Workbox } from "workbox-window";
import { reasonOf, VaultError } from "../core/errors.ts";
import type { PageToSw } from "../core/protocol.ts";
import { updates } from "./update.ts";

/** A page is controlled a second or two after its first visit began; what takes longer may take minutes. */
const CONTROL_MS = 5_000;

/** `null` in insecure contexts and private windows; a sandboxed frame may not even look. */
export function serviceWorkers(): ServiceWorkerContainer | null {
  try {
    return navigator.serviceWorker ?? null;
  } catch {
    return null;
  }
}

/**
 * Resolves once a service worker controls this page, so that the next `fetch` is answered by it. Rejects with a
 * `VaultError` if none will, or none has in time: it may still come.
 */
export async function registerServiceWorker(url: URL): Promise<void> {
  const container = serviceWorkers();
  if (!container) throw absent("this browser offers no service worker here (it does over https and on localhost)");
  const controlled = new Promise<void>((resolve) => {
    if (container.controller) resolve();
    else container.addEventListener("controllerchange", () => resolve(), { once: true });
  });
  await Promise.race([register(container, url).then(() => controlled), lateAfter(CONTROL_MS)]);
}

async function register(container: ServiceWorkerContainer, url: URL): Promise<void> {
  updates.start();
  const workbox = new Workbox(url.href, { scope: new URL("./", url).href, updateViaCache: "none" });
  const failed = new Promise<never>((_, reject) => {
    workbox.addEventListener("redundant", () => reject(absent(NOT_STORED)));
  });
  failed.catch(() => {}); // it may come when nobody waits for it any more
  try {
    const registration = await workbox.register();
    if (registration) updates.watch(workbox, registration);
  } catch (cause) {
    throw absent(`the browser refuses to register the service worker (${reasonOf(cause)})`, cause);
  }
  const { active } = await Promise.race([container.ready, failed]);
  // A forced reload (shift) leaves the page uncontrolled until it is claimed.
  if (!container.controller) active?.postMessage({ type: "claim" } satisfies PageToSw);
}

const absent = (reason: string, cause?: unknown) => new VaultError("engine-absent", reason, { cause });

const NOT_STORED =
  "the files for offline use could not all be fetched and stored (check the connection and the free space)";

const lateAfter = (ms: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(absent("the service worker has not taken over this page yet")), ms);
  });
