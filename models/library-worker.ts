/**
 * The entry of the worker that downloads: hashing and writing do not slow the model down, nor does the model, which
 * computes without a return to the event loop, hold up a download.
 */
import { hubsOf } from "../core/config.ts";
import { catalogueOf, findEntry } from "./catalogue.ts";
import type { LibraryNews, StartLibrary } from "./library.ts";
import { serveLibrary } from "./library-port.ts";
import { createLocalLibrary } from "./local-library.ts";
import type { ModelLibrary } from "./model-library.ts";
import { openStore } from "./open-store.ts";
import { fromSite, SITE_INDEX_PATH, type SiteIndex } from "./site-index.ts";

declare const self: DedicatedWorkerGlobalScope;

const tell = (news: LibraryNews) => self.postMessage(news);

async function open({ config, baseUrl, device }: StartLibrary): Promise<ModelLibrary> {
  const { store, reason } = await openStore();
  // Where versions before 0.3 kept files, unverified.
  if ("caches" in self) void caches.delete("minivault-models").catch(() => {});
  if (reason) tell({ type: "not-kept", reason });
  let index: SiteIndex | null = null;
  return createLocalLibrary({
    store,
    origins: { hub: hubsOf(config)[0], baseUrl },
    entries: catalogueOf(config),
    findEntry: (nameOrId) => findEntry(nameOrId, config),
    fromSite: async (entry) => {
      index ??= await readIndex(new URL(SITE_INDEX_PATH, baseUrl));
      return index && fromSite(entry, index);
    },
    device,
    onChange: () => tell({ type: "changed" }),
  });
}

/** `null`: not now. Many hosts answer with a page for what is not there. */
async function readIndex(url: URL): Promise<SiteIndex | null> {
  const response = await fetch(url).catch(() => null);
  if (!response) return null;
  const found = response.ok && response.headers.get("content-type")?.includes("json");
  return found ? ((await response.json()) as SiteIndex) : [];
}

self.addEventListener("message", ({ data }: MessageEvent<StartLibrary>) => serveLibrary(open(data), self), {
  once: true,
});
