import type { LogRecord } from "../../core/log/log-record.ts";
import { MERGED_CASE } from "../fixtures/expected-greedy.ts";
import { closedLogs, expect, generate, health, newTab, visit } from "./harness.ts";
import { test } from "./hub-harness.ts";

const ask = { prompt: MERGED_CASE.prompt, temperature: 0, max_new_tokens: MERGED_CASE.ids.length };

/** No try brings a byte, so that the download is soon given up. */
const BREAKS_AT_ONCE = [{ cutAfter: 0 }];

test("distilgpt2 comes from the hub, in 8 bits for the CPU, and answers with the reference tokens", async ({
  vault,
  hub,
}) => {
  const answer = await generate(vault, ask);
  expect(answer.model).toBe("distilgpt2");
  expect(answer.response).toBe(MERGED_CASE.text);
  expect(answer.usage.completion_tokens).toBe(MERGED_CASE.ids.length);
  expect(await health(vault)).toMatchObject({ model: "distilgpt2", device: "wasm", fallback: null });
  expect(hub.requests).toContain("/Xenova/distilgpt2/resolve/main/onnx/decoder_model_merged_quantized.onnx");
  await expect(vault.getByText("distilgpt2 · CPU")).toBeVisible();
});

test("a second visit loads the hub's model from the cache, with hub and server gone", async ({ vault, hub, site }) => {
  const first = await generate(vault, ask);
  const requests = hub.requests.length;
  await hub.close();
  await site.close();
  await visit(vault, site.url);
  const second = await generate(vault, ask);
  expect(second).toMatchObject({ status: 200, model: "distilgpt2" });
  expect(second.response).toBe(first.response);
  expect(hub.requests.length).toBe(requests);
});

test.describe("a model that only the hub knows", () => {
  test.use({ hubModel: "someone/some-gpt2" });

  test("is found through the hub's tree, without trial and error", async ({ vault, hub }) => {
    expect((await generate(vault, ask)).model).toBe("someone/some-gpt2");
    expect(hub.requests.filter((path) => path.startsWith("/api/"))).toEqual([
      "/api/models/someone/some-gpt2/tree/main",
    ]);
  });
});

test.describe("with no hub to be reached", () => {
  test.use({ env: { MINIVAULT_HUB: "http://localhost:9" } });

  test("the embedded model answers and says so", async ({ vault }) => {
    const answer = await generate(vault, { prompt: "Q: What is the capital of France?\nA:" });
    expect(answer.model).toBe("minivault-demo");
    expect(answer.response).toBe(" Paris.");
    expect((await health(vault)).fallback).toMatchObject({ wanted: "distilgpt2" });
    await expect(vault.getByText(/minivault-demo answers in place of distilgpt2/)).toBeVisible();
    await expect(vault.getByText(/localhost:9 cannot be reached/)).toBeVisible();
  });
});

test("a download that breaks at every try leaves nothing to be taken for the file; trying again fetches it whole", async ({
  page,
  hub,
  site,
}) => {
  hub.faults = BREAKS_AT_ONCE;
  await visit(page, site.url);
  expect(await generate(page, ask)).toMatchObject({ status: 200, model: "minivault-demo" });
  await expect(page.getByText(/minivault-demo answers in place of distilgpt2/)).toBeVisible();
  const { models } = await page.evaluate(async () => (await fetch("/models")).json());
  expect(models.find(({ name }: { name: string }) => name === "distilgpt2")).toMatchObject({ state: "failed" });

  hub.faults = [];
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("distilgpt2 · CPU")).toBeVisible();
  await expect(page.getByText(/answers in place of/)).toBeHidden();
  expect(await generate(page, ask)).toMatchObject({ model: "distilgpt2", response: MERGED_CASE.text });
});

test("coming back online tries the hub again by itself", async ({ page, hub, site, context }) => {
  hub.faults = BREAKS_AT_ONCE;
  await visit(page, site.url);
  await expect(page.getByText(/answers in place of distilgpt2/)).toBeVisible();
  hub.faults = [];
  await context.setOffline(true);
  await context.setOffline(false);
  await expect(page.getByText("distilgpt2 · CPU")).toBeVisible();
});

test("the page shows the bytes of a download, and a request waits for its end", async ({ page, hub, site }) => {
  hub.fault = "stall";
  await visit(page, site.url);
  await expect(page.getByText("Downloading distilgpt2", { exact: true })).toBeVisible();
  await expect(page.locator("engine-status").getByText(/\d+ kB of \d+ kB/)).toBeVisible();
  await expect(page.getByRole("progressbar", { name: "Download" })).toBeVisible();
  const busy = await page.evaluate(async () => {
    const response = await fetch("/health");
    return { status: response.status, retry: response.headers.get("retry-after"), body: await response.json() };
  });
  expect(busy.status).toBe(503);
  expect(busy.retry).toMatch(/\d/);
  expect(busy.body.error).toEqual({ code: 503, message: "Loading model", type: "unavailable_error" });
  const answer = generate(page, ask);
  hub.fault = "none";
  hub.breakAll(); // ends the stalled download
  expect(await answer).toMatchObject({ model: "distilgpt2", response: MERGED_CASE.text });
});

test("nine requests that are aborted while the model loads hold up nobody, and cost it nothing", async ({
  page,
  hub,
  site,
}) => {
  hub.fault = "stall";
  await visit(page, site.url);
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await expect(page.getByText("Downloading distilgpt2", { exact: true })).toBeVisible();
  await page.evaluate(async (ask) => {
    const post = (signal: AbortSignal) =>
      fetch("/generate/stream", { method: "POST", body: JSON.stringify(ask), signal }).catch(() => {});
    const aborts = Array.from({ length: 9 }, () => new AbortController());
    const all = aborts.map(({ signal }) => post(signal));
    // Each has come to the service worker, and its record is open.
    const logged = async () => (await (await fetch("/logs")).text()).split("\n").filter(Boolean).length;
    while ((await logged()) < 9);
    for (const abort of aborts) abort.abort();
    await Promise.all(all);
  }, ask);
  const tenth = generate(page, ask);
  const reasons = async () => {
    const text = await page.evaluate(async () => (await fetch("/logs")).text());
    const records = text.split("\n").filter(Boolean);
    return records.map((line) => (JSON.parse(line) as LogRecord).finish_reason);
  };
  await expect.poll(reasons, { timeout: 60_000 }).toEqual([...Array(9).fill("cancelled"), null]);
  hub.fault = "none";
  hub.breakAll(); // ends the stalled download
  expect(await tenth).toMatchObject({ status: 200, model: "distilgpt2", response: MERGED_CASE.text });
  const records = await closedLogs(page);
  expect(records.filter(({ model }) => model !== null)).toHaveLength(1);
});

test("a hub that takes the connection and says nothing is given up", async ({ page, hub, site }) => {
  hub.fault = "silent";
  await visit(page, site.url);
  expect(await generate(page, { prompt: "a" })).toMatchObject({ status: 200, model: "minivault-demo" });
  await expect(page.getByText(`${hub.url} does not answer`)).toBeVisible();
});

test("a second tab sees the same notice", async ({ page, hub, site, context }) => {
  hub.faults = BREAKS_AT_ONCE;
  await visit(page, site.url);
  const notice = (tab: typeof page) => tab.locator(".notice p", { hasText: /answers in place of distilgpt2/ });
  const text = (await notice(page).textContent())?.trim();
  const second = await newTab(context, site.url);
  await expect(notice(second)).toHaveText(text ?? "");
});
