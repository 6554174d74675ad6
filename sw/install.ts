import { createApi } from "../core/api.ts";
import type { PageToSw } from "../core/protocol.ts";
import { openLogStore } from "../logs-export/store.ts";
import { createEngineLink } from "./engine-link.ts";
import { isApiRequest } from "./scope.ts";

declare const self: ServiceWorkerGlobalScope;

export interface InstallOptions {
  /** Where the routes start; the registration's scope if left out. */
  readonly base?: URL;
  /** Answer unknown routes as well: see `isApiRequest`. */
  readonly wholeOrigin?: boolean;
}

/**
 * Adds the virtual API to any service worker. Call it during the worker's first evaluation: listeners that are
 * added later are not called for the event that started the worker.
 */
export function installVault({
  base = new URL(self.registration.scope),
  wholeOrigin = false,
}: InstallOptions = {}): void {
  const link = createEngineLink();
  const handle = createApi({ engine: link, log: openLogStore(), basePath: base.pathname });
  self.addEventListener("message", (event) => {
    const message = event.data as PageToSw | null;
    if (message?.type === "claim") event.waitUntil(self.clients.claim());
    else if (message) link.onMessage(message);
  });
  self.addEventListener("fetch", (event) => {
    if (isApiRequest(event.request, base, wholeOrigin)) event.respondWith(handle(event.request));
  });
}
