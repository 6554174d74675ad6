import { cleanupOutdatedCaches, PrecacheController } from "workbox-precaching";
import { registerRoute } from "workbox-routing";
import { CacheFirst, type Strategy, type StrategyOptions } from "workbox-strategies";
import { unpacked } from "../core/unpacked.ts";
import { isolated } from "./isolation.ts";
import { dropOldShells, fillShellCache, type PrecacheEntry, type RouterRule, staticRoutes } from "./static-routes.ts";

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: PrecacheEntry[] };

/** Chromium 123: https://developer.mozilla.org/docs/Web/API/InstallEvent/addRoutes */
type InstallEvent = ExtendableEvent & { addRoutes?(rules: readonly RouterRule[]): Promise<void> };

type RouteHandlerCallback = Extract<Parameters<typeof registerRoute>[1], (...given: never[]) => unknown>;
type Plugin = NonNullable<StrategyOptions["plugins"]>[number];

/**
 * A strategy with such a plugin leaves it to judge what is worth keeping. Runtimes are unpacked once, and then compiled
 * from the cache as they come.
 */
const isolate: Plugin = {
  cacheWillUpdate: async ({ response }) =>
    response.ok ? isolated(response.url.endsWith(".wasm.gz") ? await unpacked(response) : response) : null,
};

/** Old runtimes go as new ones come; a cache has them in the order in which they came. */
const keepTwo: Plugin = {
  async cacheDidUpdate({ cacheName }) {
    const cache = await caches.open(cacheName);
    const old = (await cache.keys()).slice(0, -2);
    await Promise.all(old.map((request) => cache.delete(request)));
  },
};

/** Answers also where there is no room to keep the answer. */
const answering =
  (strategy: Strategy): RouteHandlerCallback =>
  ({ event, request }) => {
    const [response, kept] = strategy.handleAll({ event, request });
    kept.catch(() => {});
    return response;
  };

const precache = new PrecacheController({ plugins: [isolate] });

/** Whether this version keeps a file of this address. */
export const isKept = (url: string): boolean => precache.getCacheKeyForURL(url) !== undefined;

/** What is asked for by this path, whatever comes after it: also an empty query, which Workbox's own route passes over. */
function cacheKeyOf({ origin, pathname }: URL): { cacheKey: string } | null {
  const names = [pathname, `${pathname}index.html`, `${pathname}.html`];
  const [cacheKey] = names.flatMap((name) => precache.getCacheKeyForURL(origin + name) ?? []);
  return cacheKey === undefined ? null : { cacheKey };
}

/** All that the page needs without a network: the shell, the embedded model, and the runtime that fits. */
export function installShellCache(): void {
  const entries = self.__WB_MANIFEST;
  precache.addToCacheList(entries);
  registerRoute(({ url }) => cacheKeyOf(url), precache.strategy);
  self.addEventListener("install", (event: InstallEvent) => {
    const kept = precache.install(event);
    event.waitUntil(kept.then(() => fillShellCache(entries, (url) => precache.matchPrecache(url))));
    const places = { scope: self.registration.scope, precache: precache.strategy.cacheName };
    if (event.addRoutes) event.waitUntil(event.addRoutes(staticRoutes(entries, places)));
  });
  self.addEventListener("activate", (event) => {
    void precache.activate(event);
    event.waitUntil(dropOldShells(entries));
  });
  cleanupOutdatedCaches();
  // The plain WASM runtime is precached; the larger ones are kept by those who use them.
  registerRoute(
    ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith(".wasm.gz"),
    answering(new CacheFirst({ cacheName: "minivault-runtime", plugins: [isolate, keepTwo] })),
  );
  // So is the viewer of the docs, which is nothing to a first visit.
  registerRoute(
    ({ url, sameOrigin }) => sameOrigin && url.pathname.includes("/assets/openapi-explorer-"),
    answering(new CacheFirst({ cacheName: "minivault-docs", plugins: [isolate, keepTwo] })),
  );
}
