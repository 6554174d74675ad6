import type { Page } from "playwright/test";
import { parsePrometheus } from "../contract/parse-prometheus.ts";
import { fakeAnswer } from "../fixtures/fake-text.ts";
import {
  beginStream,
  closedLogs,
  DEAD_HUB,
  expect,
  generate,
  health,
  saidIn,
  stopServiceWorker,
  streamEnd,
  streamHas,
  streamSoFar,
  test,
} from "./harness.ts";

test.use({ fakeEngine: true });

/** All that the log's database holds, by store. */
const stored = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<Record<string, unknown[]>>((resolve, reject) => {
        const opening = indexedDB.open("minivault");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const db = opening.result;
          const tx = db.transaction(db.objectStoreNames);
          const readings = [...db.objectStoreNames].map((name) => [name, tx.objectStore(name).getAll()] as const);
          tx.oncomplete = () => {
            db.close();
            resolve(Object.fromEntries(readings.map(([name, { result }]) => [name, result])));
          };
        };
      }),
  );

/** Events of answers that are kept beside the log. */
const keptEvents = async (page: Page) => (await stored(page))["events"]?.flat().length;

test("a token is kept a quarter of a second later, though none comes after it", async ({ vault }) => {
  await beginStream(vault, "slow", { prompt: "slow:20000", max_new_tokens: 3 });
  await streamHas(vault, "slow", 1);
  await expect.poll(() => keptEvents(vault)).toBe(2); // the start, and the token
  expect((await streamSoFar(vault, "slow")).text.match(/"token"/g)).toHaveLength(1);
});

test("one JSON is in the log as far as it came when its service worker stops, and nothing of it lies about", async ({
  vault,
  context,
}) => {
  expect((await generate(vault, { prompt: "slow:20", max_new_tokens: 40 })).status).toBe(200);
  expect(await keptEvents(vault)).toBe(0);

  const answer = generate(vault, { prompt: "slow:20", max_new_tokens: 5000 }).catch((cause) => `${cause}`);
  await expect.poll(() => keptEvents(vault)).toBeGreaterThan(32);
  await stopServiceWorker(context, vault);
  expect(await answer).toContain("Failed to fetch");

  const record = (await closedLogs(vault)).find(({ finish_reason }) => finish_reason === "interrupted");
  const tokens = record?.usage?.completion_tokens ?? 0;
  expect(tokens).toBeGreaterThan(30);
  expect(record?.response).toBe(fakeAnswer("slow:20", tokens));
  expect(await keptEvents(vault)).toBe(0);
});

test("with storage full the answer comes all the same, and what is missing in the log is counted and shown", async ({
  vault,
  site,
  context,
}) => {
  const devtools = await context.newCDPSession(vault);
  const limitTo = (quotaSize?: number) =>
    devtools.send("Storage.overrideQuotaForOrigin", {
      origin: new URL(site.url).origin,
      ...(quotaSize && { quotaSize }),
    });
  const ask = { prompt: "not stored", max_new_tokens: 5 };
  await limitTo(1);
  expect(await generate(vault, ask)).toMatchObject({ status: 200, response: fakeAnswer(ask.prompt, 5) });
  await expect(vault.getByText("An exchange could not be stored: this site's storage is full.")).toBeVisible();
  expect((await health(vault)).log_failures).toBe(1);
  const metrics = await vault.evaluate(async () => (await fetch("/metrics")).text());
  expect(parsePrometheus(metrics).value("minivault_log_failures_total")).toBe(1);

  await limitTo();
  expect((await generate(vault, { ...ask, prompt: "stored" })).status).toBe(200);
  expect((await closedLogs(vault)).map(({ prompt }) => prompt)).toEqual(["stored"]);
});

for (const level of ["metadata", "none"]) {
  test.describe(`at a site that has ${level} logged`, () => {
    test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", MINIVAULT_LOG_LEVEL: level } });

    test("no text is stored, of no request, and while it is answered neither", async ({ vault }) => {
      const ask = { prompt: "slow:10 secret", max_new_tokens: 60 };
      const answer = fakeAnswer(ask.prompt, 60);
      const words = answer.slice(0, 12);
      await beginStream(vault, "asked", ask);
      await streamHas(vault, "asked", 40);
      // Events have a piece of a word each, so none may be there at all.
      expect(await stored(vault)).toMatchObject({ events: [], streams: [] });
      expect(JSON.stringify(await stored(vault))).not.toContain("secret");
      expect(saidIn((await streamEnd(vault, "asked")).text)).toBe(answer);
      expect(await generate(vault, ask)).toMatchObject({ status: 200, response: answer });

      const records = await closedLogs(vault);
      expect(records).toHaveLength(level === "none" ? 0 : 2);
      for (const text of ["secret", words]) expect(JSON.stringify(await stored(vault))).not.toContain(text);
      expect(await health(vault)).toMatchObject({ log_failures: 0 });
      await expect(vault.getByText("Its texts are not kept.")).toHaveCount(records.length);
    });
  });
}
