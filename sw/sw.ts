import { installVault } from "./install.ts";
import { installShellCache } from "./shell-cache.ts";
import { siteRateLimit } from "./site-config.ts";

declare const self: ServiceWorkerGlobalScope;

// A first visit is served without a reload. An update waits until no page of the old version is open.
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
installVault({ wholeOrigin: true, rateLimit: siteRateLimit });
installShellCache();
