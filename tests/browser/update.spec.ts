import { rmSync } from "node:fs";
import type { Page } from "playwright/test";
import { serveSite } from "../../cli/site-server.ts";
import { STREAMS_LOCK } from "../../core/protocol.ts";
import { FAKE_TEXT } from "../fixtures/fake-text.ts";
import { test as base, expect, newTab, visit } from "./harness.ts";
import { deploy, withVersions } from "./site-folders.ts";

interface Fixtures {
  folder: string;
  /** Version of each page that was loaded, and of the worker that controlled it then. */
  loads: Array<{ readonly page: string; readonly worker: string }>;
}

/** A site whose files can be replaced, in version 1 at first. */
const test = base.extend<Fixtures>({
  folder: async ({ fakeEngine }, use) => {
    const folder = withVersions(fakeEngine);
    deploy(folder, "1");
    await use(folder);
    rmSync(folder, { recursive: true });
  },
  site: async ({ folder, env }, use) => {
    const site = await serveSite({ folder, port: 0, env });
    await use(site);
    await site.close();
  },
  loads: [
    async ({ context }, use) => {
      const loads: Fixtures["loads"] = [];
      await context.exposeBinding("loaded", (_, load) => loads.push(load));
      await context.addInitScript(() =>
        document.addEventListener("DOMContentLoaded", () => {
          const page = document.documentElement.dataset["version"];
          if (!page) return;
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data: worker }) => Reflect.get(window, "loaded")({ page, worker });
          navigator.serviceWorker?.controller?.postMessage("version", [port2]);
        }),
      );
      await use(loads);
      expect(loads.filter(({ page, worker }) => page !== worker)).toEqual([]);
    },
    { auto: true },
  ],
});

const versionOf = (page: Page) => page.locator("html").getAttribute("data-version");

const offer = (page: Page) => page.getByRole("button", { name: "Reload to update" });

/** What the browser does now and then by itself. */
const lookForUpdate = (page: Page) =>
  page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });

const expectWaiting = (page: Page) =>
  expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state)).toBe("installed");

/** The worker that waits is stopped, as the browser does when it finds it idle or too busy. */
async function stopWaitingWorker(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const stopped = new Promise<void>((resolve) => {
    devtools.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
      const waiting = versions.find(({ status }) => status === "installed");
      if (waiting?.runningStatus === "running") {
        void devtools.send("ServiceWorker.stopWorker", { versionId: waiting.versionId });
      }
      if (waiting?.runningStatus === "stopped") resolve();
    });
  });
  await devtools.send("ServiceWorker.enable");
  await stopped;
  await devtools.detach();
}

/** Once the page of this version can be used. */
async function expectVersion(page: Page, version: string): Promise<void> {
  await expect(page.locator(`html[data-version="${version}"]`)).toBeAttached({ timeout: 40_000 });
  await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();
}

test("a first visit is no update: nothing is offered, and the page is not loaded again", async ({ vault }) => {
  expect(await vault.evaluate(() => performance.getEntriesByType("navigation")[0]?.toJSON().type)).toBe("navigate");
  await expect(vault.locator("update-notice").getByRole("status")).toBeEmpty();
});

test("a new version is offered; who accepts updates every tab once, and what was typed stays", async ({
  vault,
  context,
  site,
  folder,
  loads,
}) => {
  const other = await newTab(context, site.url);
  const docs = await context.newPage();
  await docs.goto(`${site.url}docs`);
  await other.getByLabel("Prompt").fill("in the middle of a thought");
  deploy(folder, "2");
  await context.setOffline(true);
  await context.setOffline(false); // back online, each page looks for a new version
  await expect(offer(vault)).toBeVisible();
  await expect(offer(other)).toBeVisible();
  await expect(offer(docs)).toBeVisible();
  expect(await versionOf(other)).toBe("1");

  const before = loads.length;
  await offer(vault).focus();
  await vault.keyboard.press("Enter");
  await expectVersion(vault, "2");
  await expectVersion(other, "2");
  await expect(docs.locator('html[data-version="2"]')).toBeAttached();
  await expect(other.getByLabel("Prompt")).toHaveValue("in the middle of a thought");
  await expect(offer(other)).toBeHidden();
  expect(loads.slice(before).filter(({ page }) => page === "2")).toHaveLength(3);
});

test("a new version that waits is offered again after a reload", async ({ vault, folder }) => {
  deploy(folder, "2");
  await lookForUpdate(vault);
  await expect(offer(vault)).toBeVisible();
  await vault.reload();
  await expect(offer(vault)).toBeVisible();
  expect(await versionOf(vault)).toBe("1");
  await offer(vault).click();
  await expectVersion(vault, "2");
});

test("a page that comes back to the front looks for a new version, but not more than once an hour", async ({
  vault,
  served,
}) => {
  // Counted where they begin: the browser makes one request of two that overlap.
  await vault.evaluate(() => {
    const { update } = ServiceWorkerRegistration.prototype;
    ServiceWorkerRegistration.prototype.update = function () {
      const counted = globalThis as { looks?: number };
      counted.looks = (counted.looks ?? 0) + 1;
      return update.call(this);
    };
  });
  const comeBack = (minutes: number) =>
    vault.evaluate((minutes) => {
      const { now } = Date;
      Date.now = () => now() + minutes * 60_000;
      document.dispatchEvent(new Event("visibilitychange"));
      Date.now = now;
      return (globalThis as { looks?: number }).looks ?? 0;
    }, minutes);
  expect(await comeBack(59)).toBe(0);
  expect(await comeBack(61)).toBe(1);
  expect(await comeBack(62)).toBe(1);
  await expect.poll(() => served.filter((request) => request === "GET /sw.js").length).toBe(1);
});

test("without storage for the session there is no draft, and nothing else is missing", async ({ page, site }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, "sessionStorage", {
      get() {
        throw new DOMException("The operation is insecure.", "SecurityError");
      },
    });
  });
  await visit(page, site.url);
  await page.getByLabel("Prompt").fill("Q: What is the capital of France?\nA:");
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByRole("region", { name: "Answer" })).toContainText("Paris.");
});

test.describe("a broken version", () => {
  test.beforeEach(async ({ page, site, folder }) => {
    test.slow(); // pages are given time to answer
    await visit(page, site.url);
    deploy(folder, "2", { broken: true });
    await lookForUpdate(page);
    await offer(page).click();
    await expect(page.locator('html[data-version="2"]')).toBeAttached();
    await page.reload();
    await expect(page.getByLabel("Prompt")).toBeHidden();
  });

  test("is replaced by the next one with nothing but a reload; other programs of the origin are left alone", async ({
    page,
    context,
    site,
    folder,
  }) => {
    const other = await context.newPage();
    await other.goto(`${site.url}icons/vault.svg`);
    await other.evaluate(() => Object.assign(window, { state: "precious" }));
    deploy(folder, "3");
    await page.reload();
    await expectVersion(page, "3");
    expect(await other.evaluate(() => Reflect.get(window, "state"))).toBe("precious");
  });

  test("is replaced by the last good one, also if the new worker was stopped under way", async ({ page, folder }) => {
    deploy(folder, "1");
    await lookForUpdate(page);
    await expectWaiting(page);
    await stopWaitingWorker(page); // with it the question whether a page works
    await page.evaluate(() => fetch("/health")); // any request that the old worker hears of
    await expectVersion(page, "1");
  });
});

test("a page that is too busy to be asked is loaded again, and what was typed stays", async ({ vault, folder }) => {
  await vault.getByLabel("Prompt").fill("in the middle of a thought");
  deploy(folder, "2");
  await vault.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker?.addEventListener("statechange", () => {
        const end = performance.now() + 8000; // longer than the new worker waits for an answer
        while (worker.state === "installed" && performance.now() < end);
      });
    });
    await registration.update();
  });
  await expectVersion(vault, "2");
  await expect(vault.getByLabel("Prompt")).toHaveValue("in the middle of a thought");
});

test("the wish to update outlives the worker that heard it", async ({ vault, context, site, folder }) => {
  const other = await newTab(context, site.url);
  deploy(folder, "2");
  await lookForUpdate(vault);
  await other.evaluate((lock) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    Object.assign(window, { endStream: resolve });
    void navigator.locks.request(lock, { mode: "shared" }, () => promise);
  }, STREAMS_LOCK);
  await offer(vault).click();
  await expect(vault.getByText("waits for the answer to end")).toBeVisible();
  await stopWaitingWorker(vault);
  await other.evaluate(() => Reflect.get(window, "endStream")());
  await expectVersion(vault, "2");
  await expectVersion(other, "2");
});

test.describe("while an answer is being streamed", () => {
  test.use({ fakeEngine: true });

  test("the update waits for its end, and the answer is whole", async ({ vault, context, site, folder }) => {
    const other = await newTab(context, site.url);
    deploy(folder, "2");
    await lookForUpdate(vault);
    await expect(offer(vault)).toBeVisible();

    const order: string[] = [];
    let resolve: (text: string) => void = () => {};
    const answer = new Promise<string>((given) => {
      resolve = given;
    });
    await other.exposeBinding("report", (_, what: string, text: string) => {
      order.push(what);
      if (what === "ended") resolve(text);
    });
    await vault.exposeBinding("gone", () => order.push("reloaded"));
    await vault.evaluate(() => addEventListener("pagehide", () => Reflect.get(window, "gone")()));
    await other.evaluate(() => {
      const report = Reflect.get(window, "report");
      const read = async () => {
        const body = JSON.stringify({ prompt: "slow:20", max_new_tokens: 200 });
        const headers = { accept: "text/plain" };
        const response = await fetch("/generate/stream", { method: "POST", headers, body });
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
          if (text === "") await report("begun");
          text += next.value;
        }
        await report("ended", text);
      };
      void read();
    });
    await expect.poll(() => order).toContain("begun");
    await offer(vault).click();
    await expect(vault.getByText("waits for the answer to end")).toBeVisible();
    expect(order).toEqual(["begun"]);
    const text = (await answer).replace(/\uFFFD+$/, ""); // the last byte may be half a character
    expect(FAKE_TEXT.repeat(5)).toContain(text);
    expect(new TextEncoder().encode(text).length).toBeGreaterThan(196);
    await expectVersion(vault, "2");
    await expectVersion(other, "2");
    expect(order.slice(0, 2)).toEqual(["begun", "ended"]);
  });
});
