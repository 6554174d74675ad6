import { claimPages } from "./claim.ts";
import { installVault } from "./install.ts";
import { installShellCache } from "./shell-cache.ts";
import { siteLogRules, siteMaxWaiting, siteRateLimit, siteRetention } from "./site-config.ts";
import { installUpdates } from "./update.ts";

declare const self: ServiceWorkerGlobalScope;

// A first visit is served without a reload.
self.addEventListener("activate", claimPages);
installUpdates(); // before those who answer requests: nobody hears of a request that was answered
installVault({
  wholeOrigin: true,
  maxWaiting: siteMaxWaiting,
  rateLimit: siteRateLimit,
  logRules: siteLogRules,
  retention: siteRetention,
});
installShellCache();
