import type { Patience } from "../core/admission.ts";
import { createApi } from "../core/api.ts";
import type { Leases } from "../core/engine-link.ts";
import type { PageToSw } from "../core/protocol.ts";
import { isApiRequest } from "../core/scope.ts";
import type { SiteRules } from "../core/site-rules.ts";
import { openLogStore } from "../logs-export/store.ts";
import { createBusy, isPing } from "./busy.ts";
import { claimPages } from "./claim.ts";
import { linkToPages } from "./engine-link.ts";

declare const self: ServiceWorkerGlobalScope;

export interface InstallOptions {
  /** Where the routes start; the registration's scope if left out. */
  readonly base?: URL;
  /** Answer unknown routes as well: see `isApiRequest`. */
  readonly wholeOrigin?: boolean;
  /** What the site's owner decides about requests; asked at each. The defaults of a site without a file if left out. */
  readonly rules?: () => Promise<SiteRules>;
  /** How long pages, engine and clients may be silent. */
  readonly leases?: Partial<Leases>;
  readonly patience?: Partial<Patience>;
  /** For how long a stream can be continued after its end. */
  readonly keepStreamsMs?: number;
}

/**
 * Adds the virtual API to any service worker. Call it during the worker's first evaluation: listeners that are
 * added later are not called for the event that started the worker.
 */
export function installVault({
  base = new URL(self.registration.scope),
  wholeOrigin = false,
  rules,
  leases,
  patience = {},
  keepStreamsMs,
}: InstallOptions = {}): void {
  const link = linkToPages(leases);
  const busy = createBusy();
  const handle = createApi({
    engine: link,
    log: openLogStore({
      ...(keepStreamsMs !== undefined && { keepStreamsMs }),
      ...(rules && { retention: async () => (await rules()).retention }),
    }),
    basePath: base.pathname,
    host: "service-worker",
    patience,
    onBusy: busy.onBusy,
    ...(rules && { rules }),
  });
  self.addEventListener("message", (event) => {
    const message = event.data as PageToSw | null;
    if (message?.type === "claim") claimPages();
    else if (message) {
      // Chromium leaves some workers of a page that was claimed a moment before without a controller (measured).
      if (message.type === "engine-port") claimPages();
      link.onMessage(message);
      busy.remind();
    }
  });
  self.addEventListener("fetch", (event) => {
    if (isPing(event.request, base)) event.respondWith(busy.answerPing());
    else if (isApiRequest(event.request, base, wholeOrigin)) {
      event.respondWith(handle(event.request, event.clientId));
    }
  });
}
