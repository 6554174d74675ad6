import { ExpirationPlugin } from "workbox-expiration";
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";
import { registerRoute } from "workbox-routing";
import { CacheFirst, NetworkFirst, type StrategyOptions } from "workbox-strategies";

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: Array<{ url: string; revision: string | null }>;
};

type Plugin = NonNullable<StrategyOptions["plugins"]>[number];

/** Old runtimes go as new ones come. */
const keepTwo = new ExpirationPlugin({ maxEntries: 2 }) as Plugin;

/** All that the page needs without a network: the shell, the embedded model, and the runtime that fits. */
export function installShellCache(): void {
  cleanupOutdatedCaches();
  precacheAndRoute(self.__WB_MANIFEST, { ignoreURLParametersMatching: [/.*/] });
  // The plain WASM runtime is precached; the larger ones are kept by those who use them.
  registerRoute(
    ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith(".wasm"),
    new CacheFirst({ cacheName: "minivault-runtime", plugins: [keepTwo] }),
  );
  // So is the viewer of the docs, which is nothing to a first visit.
  registerRoute(
    ({ url, sameOrigin }) => sameOrigin && url.pathname.includes("/assets/openapi-explorer-"),
    new CacheFirst({ cacheName: "minivault-docs", plugins: [keepTwo] }),
  );
  // The site's owner may change it at any time.
  registerRoute(
    ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith("/minivault.config.json"),
    new NetworkFirst({ cacheName: "minivault-config", networkTimeoutSeconds: 3 }),
  );
}
