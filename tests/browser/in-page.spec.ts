import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright/test";
import { serveSite } from "../../cli/site-server.ts";
import { API_CONTRACT } from "../contract/api-contract.ts";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { bundlePath } from "./bundle.ts";
import {
  test as base,
  closedLogs,
  DEAD_HUB,
  engineIdle,
  engineSteps,
  expect,
  generate,
  health,
  postTo,
  visit,
} from "./harness.ts";
import { withFakeWorker } from "./site-folders.ts";
import { type SiteProxy, startProxy } from "./site-proxy.ts";

const INSECURE_HOST = "lan.test";

base.use({
  launchOptions: {
    executablePath: findChromium(),
    args: [...QUIET_FLAGS, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  },
});

declare const runContractCase: (name: string) => Promise<string>;

const PROMPT = "Q: What is the capital of France?\nA:";
const ANSWERED_BY_PAGE = /^This page answers its own requests: /;

/** Errors that pages do not handle fail the test. */
const test = base.extend<{ mirror: (options?: Parameters<typeof startProxy>[1]) => Promise<SiteProxy> }>({
  page: async ({ page }, use) => {
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await use(page);
    expect(errors).toEqual([]);
  },
  mirror: async ({ site }, use) => {
    const open: SiteProxy[] = [];
    await use(async (options = {}) => {
      const proxy = await startProxy(site.url, options);
      open.push(proxy);
      return proxy;
    });
    for (const proxy of open) await proxy.close();
  },
});

test.describe("where service workers are refused", () => {
  test.use({ serviceWorkers: "block" });

  test("the page answers its own requests, and says so", async ({ page, site, served, foreign }) => {
    await visit(page, site.url);
    await expect(page.getByText(ANSWERED_BY_PAGE)).toBeVisible();
    await page.getByLabel("Prompt").fill(PROMPT);
    await page.getByRole("button", { name: "Generate" }).click();
    await expect(page.getByRole("region", { name: "Answer" })).toContainText("Paris.");
    await expect(page.getByRole("list")).toContainText("Paris.");
    expect(await health(page)).toMatchObject({ status: "ok", host: "page", model: "minivault-demo", requests: 1 });

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export JSONL" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^minivault-logs-\d{4}-\d\d-\d\d\.jsonl$/);
    const record = JSON.parse(readFileSync(await download.path(), "utf8"));
    expect(record).toMatchObject({ prompt: PROMPT, response: " Paris.", finish_reason: "stop" });

    expect(served.filter((request) => /generate|logs|health/.test(request.replace("/assets/", "")))).toEqual([]);
    expect(foreign).toEqual([]);

    await page.reload();
    expect(await closedLogs(page)).toHaveLength(1); // it is kept
  });

  test("reading the log writes nothing to the database", async ({ page, site }) => {
    await page.addInitScript(() => {
      const modes: string[] = [];
      Object.assign(window, { modes });
      const { transaction } = IDBDatabase.prototype;
      IDBDatabase.prototype.transaction = function (stores, mode) {
        modes.push(mode ?? "readonly");
        return transaction.call(this, stores as string[], mode);
      };
    });
    await visit(page, site.url);
    expect((await generate(page, { prompt: PROMPT })).status).toBe(200);
    const [record] = await closedLogs(page);
    const modes = await page.evaluate(async (id) => {
      const { modes } = window as unknown as { modes: string[] };
      modes.length = 0;
      const paths = ["", "?q=paris", "?limit=1&order=desc", "/export", "/stats", "/verify", "/vault", `/${id}`];
      for (const path of paths) await (await fetch(`/logs${path}`)).text();
      await (await fetch("/metrics")).text();
      return modes;
    }, record?.id);
    expect(modes.length).toBeGreaterThan(8);
    expect(modes).not.toContain("readwrite");
  });

  test("the page keeps the whole contract of the API", async ({ page, site }) => {
    await visit(page, site.url);
    await page.evaluate(readFileSync(bundlePath("contract.js"), "utf8"));
    const broken: string[] = [];
    for (const { name } of API_CONTRACT) {
      const result = await page.evaluate((name) => runContractCase(name), name);
      if (result !== "ok") broken.push(`${name}: ${result}`);
    }
    expect(broken).toEqual([]);
  });

  test("requests that are not the API's pass untouched, and wrong ones fail as ever", async ({ page, site }) => {
    await visit(page, site.url);
    const seen = await page.evaluate(async () => {
      const config = await fetch("minivault.config.json");
      const head = await fetch(new Request("/logs", { method: "HEAD" }));
      const unknown = await fetch("/v1/nothing", { method: "POST", body: "{}" });
      const wrong = await fetch("/generate", { method: "GET", body: "no body allowed" }).catch((error) => error.name);
      return {
        config: { status: config.status, model: (await config.json()).model },
        head: { status: head.status, url: head.url, text: await head.text() },
        unknown: { status: unknown.status, id: unknown.headers.has("x-request-id") },
        wrong,
      };
    });
    expect(seen).toEqual({
      config: { status: 200, model: "minivault-demo" },
      head: { status: 200, url: `${site.url}logs`, text: "" },
      unknown: { status: 404, id: true },
      wrong: "TypeError",
    });
  });

  test("storage that is refused as well leaves a log in memory", async ({ page, site }) => {
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("refused", "SecurityError");
      };
    });
    await visit(page, site.url);
    expect(await generate(page, { prompt: PROMPT })).toMatchObject({ status: 200, response: " Paris." });
    expect(await closedLogs(page)).toMatchObject([{ prompt: PROMPT, response: " Paris." }]);
    await visit(page, site.url);
    expect(await closedLogs(page)).toEqual([]); // nowhere else
  });

  test("two tabs each answer for themselves", async ({ page, site, context }) => {
    await visit(page, site.url);
    const other = await context.newPage();
    await visit(other, site.url);
    const answers = await Promise.all([page, other].map((tab) => generate(tab, { prompt: PROMPT })));
    expect(answers).toMatchObject([{ response: " Paris." }, { response: " Paris." }]);
    for (const tab of [page, other]) expect(await health(tab)).toMatchObject({ host: "page", state: "ready" });
    expect(await closedLogs(other)).toHaveLength(2); // of one log
  });

  test.describe("with an engine that takes its time", () => {
    test.use({ fakeEngine: true });

    test("two tabs write one log: the nanoseconds of its records increase strictly, also after a reload", async ({
      page,
      site,
      context,
    }) => {
      const other = await context.newPage();
      await Promise.all([page, other].map((tab) => visit(tab, site.url)));
      const ask = async (tab: Page) => {
        for (let asked = 0; asked < 15; asked++) await generate(tab, { prompt: "a", max_new_tokens: 1 });
      };
      await Promise.all([ask(page), ask(other)]);
      await page.reload();
      await ask(page);
      const ns = (await closedLogs(page)).map(({ timestamp_ns }) => BigInt(timestamp_ns));
      expect(ns).toHaveLength(45);
      expect(ns.slice(1).every((one, place) => one > ns[place]!)).toBe(true);
    });

    test("tokens come one by one, and an abort stops the engine and is logged", async ({ page, site }) => {
      await visit(page, site.url);
      const seen = await page.evaluate(async () => {
        const run = new AbortController();
        const { signal } = run;
        const response = await fetch("/generate/stream", {
          method: "POST",
          body: '{"prompt": "slow:40", "max_new_tokens": 5000}',
          signal,
        });
        const reader = response.body?.getReader();
        for (let chunk = 0; chunk < 6; chunk++) await reader?.read();
        run.abort();
        return reader?.read().catch((cause) => cause.name);
      });
      expect(seen).toBe("AbortError"); // long before its 5,000 tokens are there
      expect(await closedLogs(page)).toMatchObject([{ finish_reason: "cancelled" }]);
      await engineIdle(page);
      const steps = await engineSteps(page);
      expect(await generate(page, { prompt: "a", max_new_tokens: 3 })).toMatchObject({ status: 200 });
      expect(await engineSteps(page)).toBe(steps + 3);
    });

    test("an abort before the answer began rejects, and stops the engine too", async ({ page, site }) => {
      await visit(page, site.url);
      const errors = await page.evaluate(async () => {
        const ask = (signal: AbortSignal) =>
          fetch("/generate", { method: "POST", body: '{"prompt": "slow:100", "max_new_tokens": 500}', signal }).catch(
            (cause) => cause.name,
          );
        const late = new AbortController();
        const asked = ask(late.signal);
        while (!(await (await fetch("/health")).json()).queue.active);
        late.abort(new DOMException("It took too long.", "TimeoutError"));
        return [await ask(AbortSignal.abort()), await asked];
      });
      expect(errors).toEqual(["AbortError", "TimeoutError"]);
      expect(await generate(page, { prompt: "a", max_new_tokens: 3 })).toMatchObject({ status: 200 });
      expect((await closedLogs(page)).map(({ finish_reason }) => finish_reason)).toEqual(["cancelled", "length"]);
    });
  });

  test("a page that cannot have an engine either says why, and so does every answer", async ({ page }) => {
    const folder = withFakeWorker();
    for (const name of readdirSync(join(folder, "assets"))) {
      if (name.startsWith("worker-")) rmSync(join(folder, "assets", name));
    }
    const broken = await serveSite({ folder, port: 0, env: { MINIVAULT_HUB: DEAD_HUB } });
    await page.goto(broken.url);
    const sentence = "The engine's worker failed: its script cannot be loaded. Reload the page.";
    await expect(page.getByText(sentence)).toBeVisible();
    await expect(page.getByRole("button", { name: "Generate" })).toBeDisabled();
    for (const path of ["/generate", "/generate/stream", "/v1/completions", "/api/generate"]) {
      expect(await postTo(page, path)).toEqual({ status: 500, text: expect.stringContaining(sentence) });
    }
    expect(await health(page)).toMatchObject({ status: "failed", host: "page" });
    await broken.close();
    rmSync(folder, { recursive: true });
  });
});

test("over http on a local network the page answers: no locks, no caches, no service worker", async ({
  page,
  mirror,
}) => {
  const { port } = await mirror();
  await visit(page, `http://${INSECURE_HOST}:${port}/`);
  const there = await page.evaluate(() => [
    isSecureContext,
    "locks" in navigator,
    "caches" in window,
    "serviceWorker" in navigator,
    "randomUUID" in crypto,
  ]);
  expect(there).toEqual([false, false, false, false, false]);
  await expect(page.getByText(/it does over https and on localhost/)).toBeVisible();
  expect(await generate(page, { prompt: PROMPT })).toMatchObject({ status: 200, response: " Paris." });
  expect(await health(page)).toMatchObject({ status: "ok", host: "page", threads: 1, storage: null });
  expect(await closedLogs(page)).toHaveLength(1);
  const models = await page.evaluate(async () => (await fetch("/api/tags")).json());
  expect(models.models).toHaveLength(1);
});

/** The app's script, and one that comes right behind it and waits for nothing. */
const EARLY = (script: string) => `<!doctype html><title>Early</title><vault-app></vault-app>
  <script type="module" src="${script}"></script>
  <script type="module">
    window.first = fetch("/generate", { method: "POST", body: ${JSON.stringify(JSON.stringify({ prompt: PROMPT }))} });
  </script>`;

/** The mirror has no headers of isolation: the page is not to be reloaded for that under our hands. */
const isolatedBefore = (page: Page) =>
  page.addInitScript(() => sessionStorage.setItem("minivault-reloaded-for-isolation", "yes"));

const answerOf = (page: Page) =>
  page.evaluate(async () => {
    const response = await (window as unknown as { first: Promise<Response> }).first;
    return { status: response.status, ...(await response.json()) };
  });

const scriptOf = async (siteUrl: string): Promise<string> =>
  /src="(\.\/assets\/index-[^"]+\.js)"/.exec(await (await fetch(siteUrl)).text())?.[1] ?? "";

test("a request at the first script of a first visit is answered, and the service worker takes over", async ({
  page,
  site,
  mirror,
}) => {
  await isolatedBefore(page);
  const { port } = await mirror({ pages: { "/early": EARLY(await scriptOf(site.url)) } });
  await page.goto(`http://localhost:${port}/early`);
  expect(await answerOf(page)).toMatchObject({ status: 200, response: " Paris." });
  await expect.poll(async () => (await health(page)).host).toBe("service-worker");
  expect(await page.evaluate(() => fetch.toString())).toContain("[native code]"); // nothing is in the way any more
});

test("a service worker that takes too long is not waited for; when it is there, it answers", async ({
  page,
  site,
  mirror,
}) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await isolatedBefore(page);
  const { port } = await mirror({ pages: { "/early": EARLY(await scriptOf(site.url)) } });
  await page.context().route("**/icons/icon-512.png*", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`http://localhost:${port}/early`);
  expect(await answerOf(page)).toMatchObject({ status: 200, response: " Paris." });
  expect(await health(page)).toMatchObject({ host: "page" });
  release();
  await expect.poll(async () => (await health(page)).host).toBe("service-worker");
  expect(await generate(page, { prompt: PROMPT })).toMatchObject({ status: 200, response: " Paris." });
  expect(await closedLogs(page)).toHaveLength(2); // of one log
});

test("after a forced reload the first request is answered, and the service worker takes over", async ({
  vault,
  context,
}) => {
  await vault.addInitScript(() => {
    addEventListener("DOMContentLoaded", () => {
      Object.assign(window, {
        first: fetch("/generate", { method: "POST", body: '{"prompt": "Once", "max_new_tokens": 2}' }),
      });
    });
  });
  const devtools = await context.newCDPSession(vault);
  await Promise.all([vault.waitForEvent("load"), devtools.send("Page.reload", { ignoreCache: true })]);
  expect(await answerOf(vault)).toMatchObject({ status: 200 });
  await expect.poll(async () => (await health(vault)).host).toBe("service-worker");
});

test("where another program's service worker is in control, the page answers itself", async ({ page, mirror }) => {
  const { port } = await mirror({
    pages: { "/early": "<!doctype html><title>Another program</title>" },
    files: { "/other.js": 'addEventListener("activate", (event) => event.waitUntil(clients.claim()));' },
  });
  await page.goto(`http://localhost:${port}/early`);
  await page.evaluate(async () => {
    const inControl = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
    await navigator.serviceWorker.register("./other.js");
    await inControl;
  });
  await page.goto(`http://localhost:${port}/`);
  expect(await generate(page, { prompt: PROMPT })).toMatchObject({ status: 200, response: " Paris." });
  expect((await health(page)).host).toBe("page");
  await expect(page.getByText("the service worker in control does not answer for it")).toBeVisible();
});

test("a frame in another site's page, sandboxed or not, is answered, and its log shows it", async ({
  page,
  mirror,
}) => {
  const framed = await mirror({ without: ["content-security-policy", "cross-origin-resource-policy"] });
  const app = `http://localhost:${framed.port}/`;
  const outer = await mirror({
    pages: {
      "/third-party": `<!doctype html><iframe src="${app}"></iframe>`,
      "/sandboxed": `<!doctype html><iframe sandbox="allow-scripts allow-same-origin allow-forms" src="${app}"></iframe>`,
    },
  });
  for (const path of ["third-party", "sandboxed"]) {
    await page.goto(`http://127.0.0.1:${outer.port}/${path}`);
    const frame = page.frameLocator("iframe");
    await frame.getByLabel("Prompt").fill(PROMPT);
    await frame.getByRole("button", { name: "Generate" }).click();
    await expect(frame.getByRole("region", { name: "Answer" })).toContainText("Paris.");
    await expect(frame.getByRole("list")).toContainText("Paris.");
  }
});

test("a page of the same site that frames what its user opened in a tab shows a link only; another site's has a log of its own", async ({
  page,
  mirror,
}) => {
  const framed = await mirror({ without: ["content-security-policy", "cross-origin-resource-policy"] });
  const app = `http://localhost:${framed.port}/`;
  const frame = (path: string) => `<!doctype html><iframe src="${app}${path}"></iframe>`;
  const outer = await mirror({ pages: { "/app": frame(""), "/docs-of-it": frame("docs") } });
  await visit(page, app);
  await generate(page, { prompt: PROMPT });
  const inside = page.frameLocator("iframe");
  for (const path of ["app", "docs-of-it"]) {
    await page.goto(`http://localhost:${outer.port}/${path}`);
    await expect(inside.getByRole("link", { name: "Open it in a tab of its own" })).toBeVisible();
    await expect(inside.getByRole("button")).toHaveCount(0);
  }
  await page.goto(`http://127.0.0.1:${outer.port}/app`);
  await expect(inside.getByText("Every exchange is kept here")).toBeVisible();
});

test("a frame without an origin cannot have an engine, and says so", async ({ page, mirror }) => {
  const framed = await mirror({
    without: ["content-security-policy", "cross-origin-resource-policy"],
    headers: { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" },
  });
  const src = `http://localhost:${framed.port}/`;
  const outer = await mirror({
    pages: { "/opaque": `<!doctype html><iframe sandbox="allow-scripts" src="${src}"></iframe>` },
  });
  await page.goto(`http://127.0.0.1:${outer.port}/opaque`);
  await expect(page.frameLocator("iframe").getByText(/The engine's worker failed: .*'Worker'/)).toBeVisible();
});
