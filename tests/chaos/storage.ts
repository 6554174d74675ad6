import type { Page } from "puppeteer-core";

/** So small that a tab can fill it, and enough for a run: with 200 MB, one that filled nothing had none left. */
export const QUOTA_BYTES = 600_000_000;

interface Held {
  chaosRelease?(): void;
}

/** Nobody else can open the log: an upgrade of it is under way, until it is released or its tab is gone. */
export const holdLog = (page: Page, version: number): Promise<void> =>
  page.evaluate(
    (version) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("minivault", version);
        opening.onerror = () => reject(opening.error);
        opening.onupgradeneeded = () => {
          const store = opening.transaction!.objectStore("size");
          const hold = {
            isOver: false,
            goOn() {
              if (!this.isOver) store.get("size").onsuccess = () => this.goOn();
            },
          };
          hold.goOn();
          (globalThis as Held).chaosRelease = () => {
            hold.isOver = true;
          };
          resolve();
        };
        opening.onsuccess = () => opening.result.close();
      }),
    version,
  );

export const releaseLog = (page: Page): Promise<void> =>
  page.evaluate(() => (globalThis as Held).chaosRelease?.()).catch(() => {}); // a tab that is gone holds nothing

/**
 * Until not even a few bytes more may be stored. By a frame that goes: of a cache that is deleted, Chromium frees
 * nothing while anybody has a handle of it (measured).
 */
export const fillStorage = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const cache = await frame.contentWindow!.caches.open("filler");
    let count = 0;
    for (const bytes of [16_000_000, 1_000_000, 64_000, 4_000]) {
      try {
        for (;;) await cache.put(`/filler/${count++}`, new Response(new Uint8Array(bytes)));
      } catch {
        // it is full, but for less
      }
    }
    frame.remove();
  });

/** Rejects where there is still no room. */
export const emptyStorage = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await caches.delete("filler");
    const cache = await caches.open("room");
    await cache.put("/room", new Response(new Uint8Array(16_000_000)));
    await cache.delete("/room");
  });

/** With a passphrase; 200 where it is as asked. */
export const askVault = (page: Page, path: "" | "/lock" | "/unlock"): Promise<number> =>
  page.evaluate(async (path) => {
    const body = JSON.stringify({ passphrase: "correct horse battery", idle_s: 3600 });
    return (await fetch(`/logs/vault${path}`, { method: "POST", body })).status;
  }, path);
