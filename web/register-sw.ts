import { Workbox } from "workbox-window";
import { VaultError } from "../core/errors.ts";
import type { PageToSw } from "../core/protocol.ts";
import { updates } from "./update.ts";

/** A page is controlled milliseconds after its worker is active. */
const CONTROL_MS = 10_000;

/** Resolves once a service worker controls this page, so that the next `fetch` is answered by it. */
export async function registerServiceWorker(url: URL): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    throw new VaultError(
      "engine-absent",
      "This browser offers no service worker here. Open the page over https or on localhost, outside a private window.",
    );
  }
  updates.start();
  const controlled = new Promise<void>((resolve) => {
    if (navigator.serviceWorker.controller) resolve();
    else navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
  });
  const workbox = new Workbox(url.href, { scope: new URL("./", url).href, updateViaCache: "none" });
  const failed = new Promise<never>((_, reject) => {
    workbox.addEventListener("redundant", () => reject(new VaultError("engine-absent", NOT_STORED)));
  });
  const registration = await workbox.register();
  if (registration) updates.watch(workbox, registration);
  const { active } = await Promise.race([navigator.serviceWorker.ready, failed]);
  // A forced reload (shift) leaves the page uncontrolled until it is claimed.
  if (!navigator.serviceWorker.controller) active?.postMessage({ type: "claim" } satisfies PageToSw);
  const late = new VaultError("engine-absent", "The service worker does not take over this page. Reload it.");
  await Promise.race([controlled, rejectAfter(CONTROL_MS, late)]);
}

const NOT_STORED =
  "The files for offline use could not all be fetched and stored. Check the connection and the free space, and reload.";

const rejectAfter = (ms: number, reason: Error): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(reason), ms);
  });
