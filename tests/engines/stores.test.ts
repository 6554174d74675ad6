import { chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Site } from "../../cli/site-server.ts";
import type { StoredFile } from "../../models/file-store.ts";
import { bundlePath } from "../browser/bundle.ts";
import { FILE_STORE_CONTRACT } from "../contract/file-store-contract.ts";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import type { KilledFile, StoreKind, StoreTask } from "../fixtures/store-task.ts";
import type { EngineBrowser, EngineDriver, Tab } from "./engine-driver.ts";
import { ENGINES } from "./engines.ts";
import { createProfile, removeProfile } from "./processes.ts";
import { startSite } from "./vault.ts";

/** WebKitGTK has no private file system, so there the best is the Cache API. */
const KINDS: { readonly [name in EngineDriver["name"]]: readonly StoreKind[] } = {
  Chromium: ["opfs", "cache"],
  Firefox: ["opfs", "cache"],
  WebKitGTK: ["cache"],
};

const STORES = ENGINES.flatMap((engine) => KINDS[engine.name].map((kind) => ({ ...engine, kind })));

const startStoreSite = () => startSite({ beside: [bundlePath("store-worker.js")] });

/** The script as a document: an origin and its policy, without the app. */
const blankPage = ({ url }: Site) => `${url}store-worker.js`;

/**
 * Each task in a worker of its own, so each opens the store anew. The page holds on to it: Firefox 153 collects a worker
 * that only its own listeners refer to, even while it waits for the file system.
 */
function doTask<T>(task: StoreTask) {
  return new Promise<T>((resolve, reject) => {
    const worker = new Worker("/store-worker.js");
    Object.assign(globalThis, { worker });
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    };
    worker.postMessage(task);
  });
}

const ask = <T>(tab: Tab, task: StoreTask): Promise<T> => tab.evaluate(doTask<T>, task);

/** Kills a worker that writes: so many milliseconds after its so manieth chunk. */
const killWriter = (tab: Tab, task: StoreTask, chunks: number, ms: number): Promise<void> =>
  tab.evaluate(
    (task, chunks, ms) =>
      new Promise<void>((resolve, reject) => {
        const worker = new Worker("/store-worker.js");
        Object.assign(globalThis, { worker });
        let seen = 0;
        worker.onmessage = ({ data }) => {
          if (data.error) reject(new Error(data.error));
          if (++seen !== chunks) return;
          setTimeout(() => {
            worker.terminate();
            resolve();
          }, ms);
        };
        worker.postMessage(task);
      }),
    task,
    chunks,
    ms,
  );

/** What a second worker finds while the first one goes on writing. */
const listBeside = (task: StoreTask) =>
  new Promise<StoredFile[]>((resolve, reject) => {
    const [writer, reader] = [new Worker("/store-worker.js"), new Worker("/store-worker.js")];
    Object.assign(globalThis, { writer, reader });
    let seen = 0;
    writer.onmessage = ({ data }) => {
      if (data.error) reject(new Error(data.error));
      if (++seen === 40) reader.postMessage({ ...task, name: "list" });
    };
    reader.onmessage = ({ data }) => {
      writer.terminate();
      reader.terminate();
      if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    };
    writer.postMessage(task);
  });

/** A session that keeps no profile is a private one: WebKit keeps a cache for as long as somebody has it open. */
const holdCache = (tab: Tab, model: string): Promise<void> =>
  tab.evaluate(async (model) => {
    Object.assign(globalThis, { [`cache of ${model}`]: await caches.open(`minivault-model:${model}`) });
  }, model);

describe.each(STORES)("the store in $name, $kind", ({ launch, keepsProfile, kind }) => {
  let site: Site;
  let browser: EngineBrowser;
  let tab: Tab;

  beforeAll(async () => {
    [site, browser] = await Promise.all([startStoreSite(), launch()]);
    tab = await browser.newTab(blankPage(site));
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  test.each(FILE_STORE_CONTRACT)("$name", async ({ name }) => {
    await ask(tab, { name: "case", kind, caseName: name });
  });

  test("any sequence of steps leaves what it should", async () => {
    await ask(tab, { name: "any sequence", kind, runs: 10 });
  });

  test("a writer that is killed, at whatever moment, leaves whole files and parts, and each part goes on", async () => {
    const left: KilledFile[] = [];
    for (let round = 0; round < 8; round++) {
      const model = `killed/${round}`;
      if (!keepsProfile) await holdCache(tab, model);
      await killWriter(tab, { name: "write", kind, model }, 5 + 10 * round, round % 4);
      left.push(...(await ask<KilledFile[]>(tab, { name: "inspect", kind, model })));
    }
    for (const file of left) {
      expect(file).toMatchObject({ hasListedSize: true, hasRightBytes: true });
      if (file.isWhole) expect(file.hasAllBytes).toBe(true);
      else expect(file.hasTag || file.isEmpty || file.hasAllBytes).toBe(true);
    }
    expect(left.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(0);
    expect(left.filter(({ isWhole }) => !isWhole).length).toBeGreaterThan(0);
  });

  if (keepsProfile) {
    test("files and parts are there after the browser was closed", async () => {
      await killWriter(tab, { name: "write", kind, model: "kept" }, 40, 0);
      const before = await ask<KilledFile[]>(tab, { name: "inspect", kind, model: "kept" });
      await browser.restart();
      tab = await browser.newTab(blankPage(site));
      const after = await ask<KilledFile[]>(tab, { name: "inspect", kind, model: "kept" });
      expect(after).toEqual(before);
      expect(after.some(({ isWhole }) => isWhole)).toBe(true);
    });
  } else {
    test("a private window that dropped a model's files stores them anew", async () => {
      const task: StoreTask = { name: "write", kind, model: "dropped" };
      await killWriter(tab, task, 40, 0);
      expect(await ask(tab, { name: "inspect", kind, model: "dropped" })).toEqual([]);
      const files = await tab.evaluate(listBeside, task);
      expect(files.filter(({ isWhole, sizeBytes }) => isWhole && sizeBytes > 0).length).toBeGreaterThan(0);
    });
  }
});

describe.each(ENGINES)("in $name", ({ name, launch }) => {
  test("the best store that works is taken, and hashes are computed under the page's policy", async () => {
    const [site, browser] = await Promise.all([startStoreSite(), launch()]);
    try {
      const tab = await browser.newTab(blankPage(site));
      expect(await ask(tab, { name: "open" })).toEqual({ kind: KINDS[name][0], reason: null });
      const hash = { type: "git-sha1", hex: "ce013625030ba8dba906f756967f9e9ca394464a" } as const;
      expect(await ask(tab, { name: "hash", hash, text: "hello\n" })).toBe(true);
      expect(await ask(tab, { name: "hash", hash, text: "hello" })).toBe(false);
    } finally {
      await browser.close();
      await site.close();
    }
  });
});

/** The one browser whose quota can be set. */
test.each(KINDS.Chromium)("when %s is full, what is there is kept, and it is said how much would fit", async (kind) => {
  const site = await startStoreSite();
  const profile = createProfile(); // without one, files are in memory, and no quota is looked at
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: QUIET_FLAGS,
  });
  try {
    const page = await context.newPage();
    await page.goto(blankPage(site));
    const devTools = await context.newCDPSession(page);
    const origin = new URL(site.url).origin;
    await devTools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 20e6 });
    const task: StoreTask = { name: "fill", kind };
    const outcome = await page.evaluate(doTask<Record<string, unknown>>, task);
    expect(outcome).toEqual({
      isQuotaExceeded: true,
      lostBytes: 0,
      keptBytes: expect.any(Number),
      isStart: true,
      small: 1000,
      noRoom: {
        code: "storage-full",
        message: expect.stringMatching(/^large needs 1000000000 MB more, and the browser has room for \d+ MB\. /),
      },
      room: "enough",
    });
    expect(outcome["keptBytes"]).toBeGreaterThan(10e6);
  } finally {
    await context.close();
    await removeProfile(profile);
    await site.close();
  }
});
