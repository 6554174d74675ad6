import { createApi } from "../core/api.ts";
import type { PageToSw } from "../core/protocol.ts";
import type { RateLimit } from "../core/rate-limit.ts";
import { openLogStore } from "../logs-export/store.ts";
import { createEngineLink } from "./engine-link.ts";
import { isApiRequest } from "./scope.ts";

declare const self: ServiceWorkerGlobalScope;

export interface InstallOptions {
  /** Where the routes start; the registration's scope if left out. */
  readonly base?: URL;
  /** Answer unknown routes as well: see `isApiRequest`. */
  readonly wholeOrigin?: boolean;
  /** Of each page; asked once, at the first request. A generous one if left out. */
  readonly rateLimit?: () => Promise<RateLimit>;
}

/**
 * Adds the virtual API to any service worker. Call it during the worker's first evaluation: listeners that are
 * added later are not called for the event that started the worker.
 */
export function installVault({
  base = new URL(self.registration.scope),
  wholeOrigin = false,
  rateLimit,
}: InstallOptions = {}): void {
  const link = createEngineLink();
  const log = openLogStore();
  const handle = createApi({ engine: link, log, basePath: base.pathname, ...(rateLimit && { rateLimit }) });
  self.addEventListener("message", (event) => {
    const message = event.data as PageToSw | null;
    if (message?.type === "claim") event.waitUntil(self.clients.claim());
    else if (message) link.onMessage(message);
  });
  self.addEventListener("fetch", (event) => {
    if (isApiRequest(event.request, base, wholeOrigin)) {
      event.respondWith(handle(event.request, event.clientId));
    }
  });
}
