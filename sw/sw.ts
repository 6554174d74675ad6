import { configFile } from "../core/config-file.ts";
import { followRules } from "../core/site-rules.ts";
import { claimPages } from "./claim.ts";
import { installVault } from "./install.ts";
import { installShellCache } from "./shell-cache.ts";
import { installUpdates } from "./update.ts";

declare const self: ServiceWorkerGlobalScope;

// A first visit is served without a reload.
self.addEventListener("activate", claimPages);
installUpdates(); // before those who answer requests: nobody hears of a request that was answered
const config = configFile(self.registration.scope);
installVault({ wholeOrigin: true, rules: followRules(config) });
self.addEventListener("install", (event) => event.waitUntil(config.read())); // no engine may be near that keeps it
installShellCache();
