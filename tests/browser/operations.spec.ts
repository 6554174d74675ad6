import type { Page } from "playwright/test";
import { parsePrometheus } from "../contract/parse-prometheus.ts";
import { SCHEMA_1 } from "../fixtures/old-records.ts";
import { closedLogs, expect, generate, health, test } from "./harness.ts";

const metrics = async (page: Page) =>
  parsePrometheus(await page.evaluate(async () => (await fetch("/metrics")).text()));

test("counters survive a service worker that was stopped, and count each exchange once", async ({ vault, context }) => {
  for (let n = 0; n < 3; n++) await generate(vault, { prompt: "Once upon a time", max_new_tokens: 5 });
  await closedLogs(vault);
  const before = await metrics(vault);
  const devtools = await context.newCDPSession(vault);
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.stopAllWorkers");

  const after = await metrics(vault);
  for (const name of [
    'minivault_requests_total{dialect="minivault",outcome="length"}',
    "minivault_prompt_tokens_total",
    "minivault_tokens_predicted_total",
    "minivault_request_duration_seconds_count",
    "minivault_time_to_first_token_seconds_sum",
  ]) {
    expect(after.value(name)).toBe(before.value(name));
    expect(after.value(name)).toBeGreaterThan(0);
  }
  await generate(vault, { prompt: "Once upon a time", max_new_tokens: 5 });
  await closedLogs(vault);
  expect((await metrics(vault)).value("minivault_tokens_predicted_total")).toBe(20);
  expect(await health(vault)).toMatchObject({ requests: 4 });
});

test("health tells how much is stored, of how much there is room for", async ({ vault }) => {
  const { storage } = await health(vault);
  expect(storage.used).toBeGreaterThan(1_000_000); // the shell and the model
  expect(storage.quota).toBeGreaterThan(storage.used);
  expect(typeof storage.persisted).toBe("boolean");
});

test("a log from before there were totals is counted", async ({ page, site }) => {
  await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: "" }));
  await page.goto(site.url);
  await page.evaluate(async (record) => {
    const request = indexedDB.open("minivault", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("logs", { autoIncrement: true }).createIndex("owner", "owner");
    };
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    const tx = request.result.transaction("logs", "readwrite");
    tx.objectStore("logs").add({ record });
    tx.objectStore("logs").add({ record: { ...record, finish_reason: null }, owner: "somebody who died" });
    await new Promise((resolve) => {
      tx.oncomplete = resolve;
    });
    request.result.close();
  }, OLD_RECORD);
  await page.unroute("**/*");
  await page.goto(site.url);
  await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();

  const found = await metrics(page);
  expect(found.value('minivault_requests_total{dialect="none",outcome="stop"}')).toBe(1);
  expect(found.value('minivault_requests_total{dialect="none",outcome="interrupted"}')).toBe(1);
  expect(found.value("minivault_tokens_predicted_total")).toBe(14);
});

const OLD_RECORD = { ...SCHEMA_1, usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 } };

test.describe("with a rate limit of the site's owner", () => {
  test.use({
    env: { MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "minivault-demo", MINIVAULT_RATE_LIMIT: "2/1" },
  });

  test("each page may send so many requests, and is told when it may again", async ({ vault, context, site }) => {
    const ask = (page: Page) =>
      page.evaluate(async () => {
        const response = await fetch("/generate", { method: "POST", body: '{"prompt": "a", "max_new_tokens": 1}' });
        await response.text();
        return { status: response.status, headers: Object.fromEntries(response.headers) };
      });
    expect([(await ask(vault)).status, (await ask(vault)).status]).toEqual([200, 200]);
    const refused = await ask(vault);
    expect(refused).toMatchObject({ status: 429, headers: { "ratelimit-limit": "2", "ratelimit-remaining": "0" } });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    const other = await context.newPage();
    await other.goto(site.url);
    expect((await ask(other)).status).toBe(200);
  });
});
