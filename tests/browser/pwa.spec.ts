import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type * as Axe from "axe-core";
import { type BrowserContext, chromium, type Page } from "playwright/test";
import { serveSite } from "../../cli/site-server.ts";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { servePlainly } from "../fixtures/plain-host.ts";
import { DEAD_HUB, expect, generate, health, test, visit } from "./harness.ts";
import { DIST, withFakeWorker } from "./site-folders.ts";

declare const axe: typeof Axe;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const QUESTION = { prompt: "Q: What is the capital of France?\nA:" };

/** Files of the build that are not there offline, and why not. */
const NOT_KEPT = [
  /^sw\.js$/, // the browser keeps it
  /^_headers$/, // for the host
  /^screenshots\//, // for the dialog that installs
  /^models\/minivault-demo\/(README\.md|expected-greedy\.json)$/, // for people and tests
  /^assets\/ort-wasm-simd-threaded\.(asyncify|jspi)-.*\.wasm\.gz$/, // kept once they are used
  /^assets\/openapi-explorer-.*\.js$/, // so is this
];

test("every file of the build is kept for offline use, or named as one that is not", () => {
  const files = readdirSync(DIST, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(DIST, join(parentPath, name)));
  const worker = readFileSync(join(DIST, "sw.js"), "utf8");
  const kept = [...worker.matchAll(/\{"revision":(?:null|"\w+"),"url":"([^"]+)"\}/g)].map(([, url]) => url);
  expect(kept.sort()).toEqual(files.filter((file) => !NOT_KEPT.some((pattern) => pattern.test(file))).sort());
  for (const pattern of NOT_KEPT) expect(files.filter((file) => pattern.test(file))).not.toEqual([]);
});

test("the offer to install comes and goes with the browser's", async ({ vault }) => {
  const install = vault.getByRole("button", { name: "Install" });
  // Chromium offers nothing to a page that nobody has used for a while, so the event is a made one.
  const offer = () =>
    vault.evaluate(() => {
      const event = new Event("beforeinstallprompt", { cancelable: true });
      Reflect.set(event, "prompt", () => document.body.append("asked to install"));
      return { shownByBrowser: window.dispatchEvent(event) };
    });
  await expect(install).toHaveCount(0);
  expect(await offer()).toEqual({ shownByBrowser: false });
  await install.click();
  await expect(vault.getByText("asked to install")).toBeVisible();
  await expect(install).toHaveCount(0);
  await offer();
  await expect(install).toBeVisible();
  await vault.evaluate(AXE);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390, 320]) {
      await vault.emulateMedia({ colorScheme });
      await vault.setViewportSize({ width, height: 844 });
      expect(await vault.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const { violations } = await vault.evaluate(() => axe.run());
      expect(violations.map(({ id }) => `${id}, ${colorScheme}, ${width}`)).toEqual([]);
    }
  }
  await vault.evaluate(() => window.dispatchEvent(new Event("appinstalled")));
  await expect(install).toHaveCount(0);
});

test("the shortcut to the log shows the log, at the start and in an open window", async ({ vault, site, context }) => {
  for (let asked = 0; asked < 8; asked++) await generate(vault, { ...QUESTION, max_new_tokens: 1 });
  const opened = await context.newPage();
  await opened.goto(`${site.url}#log`);
  await expect(opened.getByRole("heading", { name: "Log" })).toBeInViewport();
  await expect(opened.getByRole("heading", { name: "MiniVault" })).not.toBeInViewport();
  await expect(vault.getByRole("heading", { name: "MiniVault" })).toBeInViewport();
  await vault.evaluate(() => {
    location.hash = "log";
  });
  await expect(vault.getByRole("heading", { name: "MiniVault" })).not.toBeInViewport();
});

test("a second launch of the app leaves the open window as it is, unless a shortcut leads elsewhere", async ({
  context,
  site,
}) => {
  // Only an installed app has launches: this stands in for the browser's queue of them.
  await context.addInitScript(() => {
    const queue = { setConsumer: (consumer: unknown) => Reflect.set(window, "launch", consumer) };
    Object.defineProperty(window, "launchQueue", { value: queue });
  });
  const page = await context.newPage();
  await visit(page, site.url);
  const launch = (targetURL: string) =>
    page.evaluate((targetURL) => Reflect.get(window, "launch")({ targetURL }), targetURL);
  await page.getByLabel("Prompt").fill("half a thought");
  await launch(site.url);
  await launch(`${site.url}#log`);
  await expect(page).toHaveURL(`${site.url}#log`);
  await expect(page.getByLabel("Prompt")).toHaveValue("half a thought");
  await launch(`${site.url}docs`);
  await expect(page).toHaveTitle("MiniVault API");
});

/** Opens the browser with a profile on disk, as often as is asked for, one process after the other. */
async function withProfile(use: (open: () => Promise<BrowserContext>) => Promise<void>): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), "minivault-profile-"));
  let context: BrowserContext | undefined;
  try {
    await use(async () => {
      await context?.close();
      context = await chromium.launchPersistentContext(profile, { executablePath: findChromium(), args: QUIET_FLAGS });
      return context;
    });
  } finally {
    await context?.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

test("Chromium finds nothing that speaks against installing it, and then it starts without a network", async ({
  site,
}) => {
  await withProfile(async (open) => {
    const context = await open();
    const page = await context.newPage();
    await visit(page, site.url);
    const devtools = await context.newCDPSession(page);
    const { errors, data = "{}" } = await devtools.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect((await devtools.send("Page.getInstallabilityErrors")).installabilityErrors).toEqual([]);
    const manifest: Manifest = JSON.parse(data);
    expect(manifest.shortcuts.map(({ name }) => name)).toEqual(["API documentation", "Log"]);
    for (const { src, sizes } of [...manifest.screenshots, ...manifest.icons].filter(({ sizes }) => sizes !== "any")) {
      expect(await imageSize(page, src), src).toBe(sizes);
    }

    await page.evaluate(async () => void (await navigator.serviceWorker.ready)); // until then the page answers itself
    await site.close();
    // Another process of the browser, and only what is on its disk.
    const started = await (await open()).newPage();
    await visit(started, new URL(manifest.start_url, site.url).href);
    await started.getByLabel("Prompt").fill(QUESTION.prompt);
    await started.getByRole("button", { name: "Generate" }).click();
    await expect(started.getByRole("region", { name: "Answer" })).toContainText("Paris.");
    expect(await started.evaluate(() => crossOriginIsolated)).toBe(true);
  });
});

interface Manifest {
  readonly start_url: string;
  readonly shortcuts: ReadonlyArray<{ readonly name: string }>;
  readonly screenshots: ReadonlyArray<{ readonly src: string; readonly sizes: string }>;
  readonly icons: Manifest["screenshots"];
}

const imageSize = (page: Page, src: string) =>
  page.evaluate(async (src) => {
    const { width, height } = await createImageBitmap(await (await fetch(src)).blob());
    return `${width}x${height}`;
  }, `./${src}`);

/** Chromium's own words for where a response came from: https://w3c.github.io/ServiceWorker/#service-worker-timing */
type Timed = PerformanceResourceTiming & { readonly workerFinalSourceType: string };

/** The path of everything that this page took from a cache without asking the service worker. */
const routedPaths = (page: Page) =>
  page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter((entry) => (entry as Timed).workerFinalSourceType === "cache")
      .map(({ name }) => new URL(name).pathname),
  );

const NEXT_INDEX = '"revision":"0123456789abcdef0123456789abcdef","url":"index.html"';

/** In place of the file, which is a link to the build's. */
function rewrite(path: string, change: (text: string) => string): void {
  const changed = change(readFileSync(path, "utf8"));
  rmSync(path);
  writeFileSync(path, changed);
}

for (const [path, title] of [
  ["?", "MiniVault"],
  ["?#log", "MiniVault"],
  ["?&", "MiniVault"],
  ["?x=1", "MiniVault"],
  ["#log", "MiniVault"],
  ["index.html?", "MiniVault"],
  ["index.html?x=1#log", "MiniVault"],
  ["docs?", "MiniVault API"],
  ["docs.html?", "MiniVault API"],
  ["docs?x=1", "MiniVault API"],
  ["docs#a", "MiniVault API"],
] as const) {
  test(`offline, /${path} opens what is kept: it differs by nothing`, async ({ vault, site }) => {
    await site.close();
    await vault.goto("about:blank");
    await vault.goto(site.url + path);
    await expect(vault).toHaveTitle(title);
  });
}

test.describe("static routes", () => {
  test("pages and scripts come from the cache, and the service worker is not even started", async ({
    vault,
    context,
    site,
  }) => {
    const devtools = await context.newCDPSession(vault);
    await devtools.send("ServiceWorker.enable");
    for (const path of ["", "index.html", "docs", "docs.html"]) {
      await devtools.send("ServiceWorker.stopAllWorkers");
      await vault.goto(site.url + path);
      const [navigation] = await vault.evaluate(
        () => performance.getEntriesByType("navigation").map((entry) => entry.toJSON()) as Timed[],
      );
      expect(navigation, path).toMatchObject({ workerFinalSourceType: "cache", workerStart: 0 });
    }
    await visit(vault, site.url);
    expect(await routedPaths(vault)).toContainEqual(expect.stringMatching(/^\/assets\/index-.*\.js$/));
  });

  test("a page that is asked for with a query is there offline as well", async ({ vault, site }) => {
    await site.close();
    await visit(vault, `${site.url}?from=home`);
  });

  test("the API is as before, also where its routes are the page's", async ({ vault }) => {
    const texts = await vault.evaluate(async () => {
      const get = async (path: string, accept: string) => (await fetch(path, { headers: { accept } })).text();
      return [await get("/", "text/plain"), await get("/", "text/html")];
    });
    expect(texts[0]).toBe("Ollama is running");
    expect(texts[1]).toContain("<vault-app>");
    expect((await generate(vault, QUESTION)).response).toBe(" Paris.");
    for (const path of await routedPaths(vault)) expect(path).toMatch(/^\/(|index\.html|assets\/.*\.(js|css))$/);
  });

  test("a new version brings its own page, and the old one's is dropped", async ({ page }) => {
    const folder = withFakeWorker();
    const site = await serveSite({ folder, port: 0, env: { MINIVAULT_HUB: DEAD_HUB } });
    const shells = () =>
      page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("minivault-shell-")));
    await visit(page, site.url);
    const [old] = await shells();

    rewrite(join(folder, "index.html"), (html) => html.replace("<title>MiniVault", "<title>MiniVault, the next"));
    rewrite(join(folder, "sw.js"), (js) => js.replace(/"revision":"\w+","url":"index.html"/, NEXT_INDEX));
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    // The new one waits until no page of the old one is open.
    await expect(async () => {
      await page.goto("about:blank");
      await visit(page, site.url);
      expect(await page.title()).toBe("MiniVault, the next");
    }).toPass({ timeout: 30_000 });
    await expect.poll(shells).toEqual([expect.not.stringMatching(`^${old}$`)]);
    await site.close();
    rmSync(folder, { recursive: true });
  });

  test("what is kept on use still goes through the service worker, and is there offline", async ({ vault, site }) => {
    const viewer = `assets/${readdirSync(join(DIST, "assets")).find((name) => name.startsWith("openapi-explorer-"))}`;
    const status = (path: string) => vault.evaluate(async (path) => (await fetch(path)).status, path);
    expect(await status(viewer)).toBe(200);
    await expect.poll(() => vault.evaluate(async (path) => !!(await caches.match(path)), viewer)).toBe(true);
    await site.close();
    expect(await status(viewer)).toBe(200);
  });
});

test.describe("on a host that cannot set headers", () => {
  /** What the page's own navigations were, in order. */
  const watchNavigations = (page: Page): string[] => {
    const seen: string[] = [];
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) seen.push(frame.url());
    });
    return seen;
  };

  test("the page reloads itself once, and is isolated from then on", async ({ page }) => {
    const host = await servePlainly(DIST);
    const navigations = watchNavigations(page);
    await page.goto(host.url);
    await page.waitForFunction(() => crossOriginIsolated);
    await expect(page.getByText("minivault-demo · CPU")).toBeVisible();
    expect((await health(page)).threads).toBeGreaterThan(1);
    expect((await generate(page, QUESTION)).response).toBe(" Paris.");
    expect(navigations).toEqual([host.url, host.url]);
    await host.close();
    await visit(page, host.url);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(navigations).toHaveLength(3);
  });

  test("if that did not help, it is not tried again", async ({ page }) => {
    const host = await servePlainly(DIST);
    // What a browser without isolation says, however often the page is loaded.
    await page.addInitScript(() => Object.defineProperty(window, "crossOriginIsolated", { value: false }));
    const navigations = watchNavigations(page);
    await visit(page, host.url);
    await expect.poll(() => navigations.length).toBe(2);
    await visit(page, host.url);
    expect((await generate(page, QUESTION)).response).toBe(" Paris.");
    expect(navigations).toHaveLength(3);
    await host.close();
  });

  test("where a tab cannot remember the reload there is none", async ({ page }) => {
    const host = await servePlainly(DIST);
    await page.addInitScript(() => {
      Object.defineProperty(window, "sessionStorage", {
        get() {
          throw new DOMException("blocked", "SecurityError");
        },
      });
    });
    const navigations = watchNavigations(page);
    await visit(page, host.url);
    await expect(page.getByText("minivault-demo · CPU")).toBeVisible();
    expect((await health(page)).threads).toBe(1);
    expect((await generate(page, QUESTION)).response).toBe(" Paris.");
    expect(navigations).toHaveLength(1);
    await host.close();
  });

  test("whoever has clicked already keeps the page, with one thread", async ({ page }) => {
    const host = await servePlainly(DIST);
    const navigations = watchNavigations(page);
    // The service worker's script comes when the click has been.
    let clicked = () => {};
    const held = new Promise<void>((resolve) => {
      clicked = resolve;
    });
    const asked = page.context().waitForEvent("request", (request) => request.url().endsWith("/sw.js"));
    await page.context().route("**/sw.js", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(host.url);
    await asked;
    await page.getByText("Options").click();
    clicked();
    await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();
    await expect(page.getByText("minivault-demo · CPU")).toBeVisible();
    expect((await health(page)).threads).toBe(1);
    expect(navigations).toHaveLength(1);
    await host.close();
  });
});
