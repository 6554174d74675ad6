import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright/test";
import { serveSite } from "../../cli/site-server.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { closedLogs, DEAD_HUB, expect, generate, health, postTo, test, visit } from "./harness.ts";
import { withFakeWorker } from "./site-folders.ts";

const PROMPT = "Q: What is the capital of France?\nA:";

const exportLog = async (page: Page): Promise<LogRecord[]> => {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export JSONL" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^minivault-logs-\d{4}-\d\d-\d\d\.jsonl$/);
  return readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
};

test("a first visit: ask, read, export; then without a network all of it again", async ({
  vault,
  site,
  served,
  foreign,
}) => {
  await vault.getByLabel("Prompt").fill(PROMPT);
  await vault.getByRole("button", { name: "Generate" }).click();
  await expect(vault.getByRole("region", { name: "Answer" })).toContainText("Paris.");
  await expect(vault.getByText(/tokens\/s/).first()).toBeVisible();
  await expect(vault.getByText("minivault-demo · CPU")).toBeVisible();

  const [record] = await exportLog(vault);
  expect(record).toMatchObject({ prompt: PROMPT, response: " Paris.", model: "minivault-demo", finish_reason: "stop" });

  // The server behind the page never saw a request for the API, nor did anybody else see one at all.
  expect(served.filter((request) => !request.startsWith("GET /") || /generate|logs|health/.test(request))).toEqual([]);
  expect(foreign).toEqual([]);

  await site.close();
  await visit(vault, site.url);
  await vault.getByLabel("Prompt").fill(PROMPT);
  await vault.getByRole("button", { name: "Generate" }).click();
  await expect(vault.getByRole("region", { name: "Answer" })).toContainText("Paris.");
  expect(await exportLog(vault)).toHaveLength(2);
  expect(foreign).toEqual([]);
});

test("the page is cross-origin isolated, and its policy stops requests to other origins", async ({ vault }) => {
  expect(await vault.evaluate(() => crossOriginIsolated)).toBe(true);
  const blocked = await vault.evaluate(
    () =>
      new Promise<string>((resolve) => {
        document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
        fetch("https://example.com/").catch(() => {});
      }),
  );
  expect(blocked).toBe("connect-src");
});

test("a page that a forced reload left uncontrolled is answered all the same", async ({ vault, context }) => {
  const devtools = await context.newCDPSession(vault);
  await devtools.send("Page.reload", { ignoreCache: true });
  await vault.waitForLoadState();
  await expect(vault.getByRole("button", { name: "Generate" })).toBeEnabled();
  expect(await vault.evaluate(async () => (await fetch("/health")).headers.get("x-request-id"))).toBeTruthy();
});

test("a first visit that cannot fetch everything says so, and the page answers itself", async ({ page }) => {
  const folder = withFakeWorker();
  rmSync(join(folder, "icons", "icon-192.png"));
  const site = await serveSite({ folder, port: 0, env: { MINIVAULT_HUB: DEAD_HUB } });
  await visit(page, site.url);
  await expect(page.getByText(/answers its own requests: .* could not all be fetched and stored/)).toBeVisible();
  expect(await generate(page, { prompt: "a" })).toMatchObject({ status: 200 });
  await site.close();
  rmSync(folder, { recursive: true });
});

test("the configuration is kept for later visits, whoever read it first", async ({ page, site }) => {
  await page.goto(`${site.url}icons/vault.svg`); // no engine here that would read it
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
  });
  const kept = () => page.evaluate(async () => (await (await caches.match("/minivault.config.json"))?.json())?.model);
  await expect.poll(kept).toBe("minivault-demo");
});

test("a site without a configuration uses the defaults, also offline", async ({ vault, site }) => {
  const remembered = () => vault.evaluate(async () => !!(await caches.match("/minivault.config.json")));
  await expect.poll(remembered).toBe(true);
  await vault.evaluate(async () => (await caches.open("minivault-config")).delete("/minivault.config.json"));
  await site.close();
  await visit(vault, site.url);
  // The policy that this site was served with forbids the default hub, so nothing leaves.
  await expect(vault.getByText(/minivault-demo answers in place of distilgpt2/)).toBeVisible();
  await generate(vault, { prompt: PROMPT });
  expect(await closedLogs(vault)).toMatchObject([{ level: "full", prompt: PROMPT, response: " Paris." }]);
});

test("a wrong configuration is named on the page and in every answer", async ({ vault, site }) => {
  const remembered = () => vault.evaluate(async () => !!(await caches.match("/minivault.config.json")));
  await expect.poll(remembered).toBe(true);
  await vault.evaluate(async () => {
    const cache = await caches.open("minivault-config");
    await cache.put("/minivault.config.json", Response.json({ hub: "ftp://nowhere" }));
  });
  await site.close();
  await visit(vault, site.url);
  await expect(vault.getByText(/minivault.config.json is wrong at hub/)).toBeVisible();
  for (const path of ["/generate", "/generate/stream", "/v1/completions", "/api/generate"]) {
    const wrong = { status: 500, text: expect.stringContaining("minivault.config.json is wrong at hub") };
    expect(await postTo(vault, path)).toEqual(wrong);
  }
  expect(await health(vault)).toMatchObject({ status: "failed" });
});

test.describe("where no page hosts an engine", () => {
  /** Controlled by the service worker, but not the app. */
  const leaveTheApp = (page: Page, url: string) => page.goto(`${url}icons/vault.svg`);

  test("a request ends with a 503 that says what to do, and health says so too", async ({ vault, site }) => {
    await leaveTheApp(vault, site.url);
    expect(await generate(vault, { prompt: "a" })).toMatchObject({
      status: 503,
      code: "engine-absent",
      detail: "No page hosts the engine. Open MiniVault in a tab and try again.",
    });
    expect(await health(vault)).toMatchObject({ status: "absent" });
  });

  test("a page of another version is refused, and the request says why", async ({ vault, site }) => {
    await leaveTheApp(vault, site.url);
    await vault.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      navigator.serviceWorker.addEventListener("message", () => {
        const { port2 } = new MessageChannel();
        active?.postMessage({ type: "engine-port", version: 0, port: port2, aliveLock: "x" }, [port2]);
      });
      navigator.serviceWorker.startMessages();
    });
    expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 503, code: "version-mismatch" });
  });
});
