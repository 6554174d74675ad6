import type { Page } from "playwright/test";
import { isLogRecord } from "../../core/log/log-schema.ts";
import { SCHEMA_1, SCHEMA_2, SCHEMA_3 } from "../fixtures/old-records.ts";
import { addLogRow, closedLogs, expect, generate, health, test, visit } from "./harness.ts";

/** Beside the app, of the same origin, without any of its code. */
async function stranger(page: Page, url: string): Promise<Page> {
  const other = await page.context().newPage();
  await other.goto(`${url}icons/vault.svg`);
  return other;
}

/** The database as version 0.1 of the app made it, or 0.3, exchanges in it; its connection stays open. */
const openOldDatabase = (page: Page, { yields = true, version = 1, records = [SCHEMA_1] as object[] } = {}) =>
  page.evaluate(
    async ({ yields, version, records, lastNs }) => {
      const request = indexedDB.open("minivault", version);
      request.onupgradeneeded = () => {
        const db = request.result;
        const logs = db.createObjectStore("logs", { autoIncrement: true });
        logs.createIndex("owner", "owner");
        for (const record of records) logs.add({ record });
        if (version === 1) return;
        db.createObjectStore("totals");
        const streams = db.createObjectStore("streams", { keyPath: "id" });
        streams.createIndex("names", "names", { multiEntry: true });
        streams.createIndex("endedMs", "endedMs");
        db.createObjectStore("events");
        if (version > 3) db.createObjectStore("clock").put(lastNs, "last");
      };
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      if (yields) db.onversionchange = () => db.close();
      Object.assign(window, { db });
    },
    { yields, version, records, lastNs: SCHEMA_3.timestamp_ns },
  );

const ask = (page: Page, prompt: string) => generate(page, { prompt, max_new_tokens: 3 });

const promptsIn = async (page: Page) => (await closedLogs(page)).map(({ prompt }) => prompt);

test("a tab of an older version makes room: the log is upgraded, and nothing in it is lost", async ({ page, site }) => {
  const old = await stranger(page, site.url);
  await openOldDatabase(old);
  await visit(page, site.url);
  expect(await ask(page, "a")).toMatchObject({ status: 200 });
  expect(await promptsIn(page)).toEqual([SCHEMA_1.prompt, "a"]);
  expect(await health(page)).toMatchObject({ log_failures: 0 });
});

test("records of every earlier schema become ones of today, in the order in which they came", async ({
  page,
  site,
}) => {
  const old = await stranger(page, site.url);
  await openOldDatabase(old, { version: 3, records: [SCHEMA_1, SCHEMA_2] });
  await visit(page, site.url);
  expect(await ask(page, "a")).toMatchObject({ status: 200 });
  const records = await closedLogs(page);
  expect(records.map(isLogRecord)).toEqual([true, true, true]);
  expect(records.map(({ id }) => id).slice(0, 2)).toEqual([SCHEMA_1.id, SCHEMA_2.id]);
  expect(records[0]).toMatchObject({ response: " Paris.", options: { seed: SCHEMA_1.options.seed } });
  expect(records.slice(0, 2).map(({ timestamp_ns }) => timestamp_ns)).toEqual([
    "1795219199500000000",
    "1795219199500000001",
  ]);
  const ns = records.map(({ timestamp_ns }) => BigInt(timestamp_ns));
  expect(ns.slice(1).every((one, place) => one > ns[place]!)).toBe(true);
});

test("a log of the last version is one of today, its times as they were, also what it adds after a rollback", async ({
  page,
  site,
}) => {
  const old = await stranger(page, site.url);
  await openOldDatabase(old, { version: 4, records: [SCHEMA_3] });
  await visit(page, site.url);
  expect(await ask(page, "a")).toMatchObject({ status: 200 });
  await addLogRow(old, SCHEMA_2);
  const records = await closedLogs(page);
  expect(records.map(({ id }) => id)).toEqual([SCHEMA_3.id, expect.any(String), SCHEMA_2.id]);
  expect(records.map(isLogRecord)).toEqual([true, true, true]);
  expect(records[0]?.timestamp_ns).toBe(SCHEMA_3.timestamp_ns);
});

test("words are found in what an older version logged, of which none was indexed", async ({ page, site }) => {
  const records = Array.from({ length: 600 }, (_, place) => ({
    ...SCHEMA_3,
    id: `old-record-${place}`,
    timestamp_ns: `${BigInt(SCHEMA_3.timestamp_ns) + BigInt(place)}`,
    response: place % 250 ? "an answer" : "a needle",
  }));
  const old = await stranger(page, site.url);
  await openOldDatabase(old, { version: 4, records });
  await visit(page, site.url);
  const found = async () => {
    const text = await page.evaluate(async () => (await fetch("/logs?q=needle")).text());
    return [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);
  };
  const ids = [0, 250, 500].map((place) => `old-record-${place}`);
  await expect.poll(found).toEqual(ids); // once the upgrade is over
  const segments = () =>
    page.evaluate(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open("minivault");
          opening.onsuccess = () => {
            const all = opening.result.transaction("segments").objectStore("segments").getAll();
            all.onsuccess = () => resolve(all.result);
            opening.result.close();
          };
        }),
    );
  await expect.poll(segments).toMatchObject([{ segment: 0, claim: null, rows: 511 }]);
  expect(await found()).toEqual(ids);
});

test("a tab that does not make room holds up no answer, and once it is closed the log works again", async ({
  page,
  site,
}) => {
  const old = await stranger(page, site.url);
  await openOldDatabase(old, { yields: false });
  await visit(page, site.url);
  expect(await ask(page, "not to be stored")).toMatchObject({ status: 200 });
  const blocked = await health(page);
  expect(blocked.log_readable).toBe(false);
  expect(blocked.log_failures).toBeGreaterThan(0);

  await old.close();
  await expect.poll(async () => (await health(page)).log_readable).toBe(true);
  expect(await ask(page, "b")).toMatchObject({ status: 200 });
  const generated = (await promptsIn(page)).filter((prompt) => prompt !== null); // the page asks for its log as well
  expect(generated).toEqual([SCHEMA_1.prompt, "b"]);
  expect((await health(page)).log_failures).toBeGreaterThanOrEqual(blocked.log_failures);
});

test("after a rollback the log of the newer version is used as it is", async ({ vault, site }) => {
  expect(await ask(vault, "a")).toMatchObject({ status: 200 });
  const newer = await stranger(vault, site.url);
  await newer.evaluate(async () => {
    const request = indexedDB.open("minivault", 1000);
    request.onupgradeneeded = () => request.result.createObjectStore("something-new");
    await new Promise<void>((resolve, reject) => {
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    });
    request.result.close();
  });
  expect(await ask(vault, "b")).toMatchObject({ status: 200 });
  expect(await promptsIn(vault)).toEqual(["a", "b"]);
  expect(await health(vault)).toMatchObject({ log_failures: 0 });
});

test("files of models that an older version kept, and nobody had verified, make room", async ({ page, site }) => {
  const old = await stranger(page, site.url);
  await old.evaluate(async () => (await caches.open("minivault-models")).put("/old", new Response("weights")));
  await visit(page, site.url);
  await page.evaluate(() => fetch("/models"));
  await expect.poll(() => old.evaluate(() => caches.has("minivault-models"))).toBe(false);
});
