/** What the service worker keeps, as the build lists it. No revision: the name changes with the content. */
export interface PrecacheEntry {
  readonly url: string;
  readonly revision: string | null;
}

/** https://w3c.github.io/ServiceWorker/#dictdef-routerrule, as far as it is used. */
export interface RouterRule {
  readonly condition: { readonly or: readonly RouterCondition[] };
  readonly source: { readonly cacheName: string };
}
interface RouterCondition {
  readonly urlPattern: { readonly pathname: string; readonly search: string };
  readonly requestMethod: "get";
  readonly requestMode?: "navigate";
}

/** A document is asked for by several names. */
const DOCUMENTS = { "index.html": ["./", "./index.html"], "docs.html": ["./docs", "./docs.html"] };
const SHELL = "minivault-shell-";

/** Of this version: pages and scripts of two versions never mix. */
export const shellCacheName = (entries: readonly PrecacheEntry[]): string =>
  SHELL +
  documentsOf(entries)
    .map(({ revision }) => revision?.slice(0, 12))
    .join("-");

/**
 * Rules by which the browser takes pages and scripts from the caches without starting the service worker:
 * https://developer.chrome.com/blog/service-worker-static-routing. A rule that finds nothing goes to the network past
 * the fetch handler. So each names exactly the URLs that are kept, and everything else, above all the API, is as before.
 */
export function staticRoutes(
  entries: readonly PrecacheEntry[],
  { scope, precache }: { readonly scope: string; readonly precache: string },
): RouterRule[] {
  const pages = documentsOf(entries).flatMap(({ names }) => names);
  const scripts = entries.filter(({ url, revision }) => revision === null && /\.(js|css)$/.test(url));
  const rule = (urls: readonly string[], cacheName: string, more: Partial<RouterCondition> = {}): RouterRule => ({
    condition: { or: urls.map((url) => ({ urlPattern: exactly(new URL(url, scope)), requestMethod: "get", ...more })) },
    source: { cacheName },
  });
  return [
    // Only navigations: the root also answers clients of the API that ask for plain text.
    rule(pages, shellCacheName(entries), { requestMode: "navigate" }),
    rule(
      scripts.map(({ url }) => url),
      precache,
    ),
  ];
}

/**
 * Copies the pages out of the precache, where a revision is part of each key, to the names they are asked for by.
 *
 * @param kept finds a page in the precache
 */
export async function fillShellCache(
  entries: readonly PrecacheEntry[],
  kept: (url: string) => Promise<Response | undefined>,
): Promise<void> {
  const cache = await caches.open(shellCacheName(entries));
  for (const { url, names } of documentsOf(entries)) {
    // A rule cannot tell `/?` from `/`, and a cache does.
    for (const name of names.flatMap((name) => [name, `${name}?`])) {
      const page = await kept(url);
      if (page) await cache.put(name, page);
    }
  }
}

/** Drops the pages of other versions. */
export async function dropOldShells(entries: readonly PrecacheEntry[]): Promise<void> {
  const current = shellCacheName(entries);
  const old = (await caches.keys()).filter((name) => name.startsWith(SHELL) && name !== current);
  await Promise.all(old.map((name) => caches.delete(name)));
}

const documentsOf = (entries: readonly PrecacheEntry[]) =>
  Object.entries(DOCUMENTS).flatMap(([url, names]) =>
    entries.filter((entry) => entry.url === url).map((entry) => ({ ...entry, names })),
  );

/** No query: a page that is asked for with one is for the fetch handler, which ignores it. */
const exactly = ({ pathname }: URL) => ({ pathname: pathname.replace(/[{}()*+?:\\]/g, "\\$&"), search: "" });
