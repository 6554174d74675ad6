import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type CDPSession, type Page } from "puppeteer-core";
import { findChromium, QUIET_FLAGS, SOFTWARE_GPU_FLAGS } from "../find-chromium.ts";
import type { Report } from "./ask.ts";
import { rememberGpus } from "./destroy-gpu.ts";

/** A tab, and what it needs to be broken. */
export interface Tab {
  readonly page: Page;
  readonly devtools: CDPSession;
  frozen: boolean;
}

export interface ChaosBrowser {
  readonly tabs: readonly Tab[];
  /** Sentences: what nobody caught, in pages and workers. None is as it should be. */
  readonly errors: readonly string[];
  open(): Promise<Tab>;
  close(tab: Tab): Promise<void>;
  crashTab(tab: Tab): Promise<void>;
  freeze(tab: Tab, frozen: boolean): Promise<void>;
  stopServiceWorker(): Promise<void>;
  /** Its process is killed, and it is started again with the same profile and one tab. */
  crash(): Promise<void>;
  end(): Promise<void>;
}

export interface BrowserOptions {
  readonly url: string;
  /** With a simulated one. */
  readonly gpu: boolean;
  /** Of the origin; `null`: what the browser gives it. */
  readonly quotaBytes?: number | null;
  /** Runs in every tab before its own scripts. */
  readonly script: string;
  readonly onReport: (id: string, report: Report) => void;
  /** All that ran in this tab is gone. */
  readonly onGone: (tab: Page) => void;
}

/** A version that is found just before the server is stopped is not installed, and so not taken either. */
const NOT_INSTALLED = /bad-precaching-response|_handleInstall/;

/**
 * Chromium by Puppeteer, whose tabs freeze when they are told to: Playwright keeps its own awake.
 */
export async function startBrowser({
  url,
  gpu,
  quotaBytes = null,
  script,
  onReport,
  onGone,
}: BrowserOptions): Promise<ChaosBrowser> {
  const profile = mkdtempSync(join(tmpdir(), "minivault-chaos-"));
  const errors: string[] = [];
  let tabs: Tab[] = [];
  let browser: Browser;

  const launch = async () => {
    browser = await puppeteer.launch({
      executablePath: findChromium(),
      userDataDir: profile,
      headless: true,
      args: [...QUIET_FLAGS, ...(gpu ? SOFTWARE_GPU_FLAGS : []), "--hide-crash-restore-bubble"],
    });
  };

  const drop = (tab: Tab) => {
    if (!tabs.includes(tab)) return;
    tabs = tabs.filter((one) => one !== tab);
    onGone(tab.page);
  };

  const open = async (): Promise<Tab> => {
    const page = await browser.newPage();
    const tab: Tab = { page, devtools: await page.createCDPSession(), frozen: false };
    if (gpu) rememberGpus(page);
    page.on("pageerror", (error) => errors.push(`page error: ${error}`));
    page.on("error", () => {
      drop(tab); // it crashed
      page.close().catch(() => {});
    });
    page.on("close", () => drop(tab));
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) onGone(page); // a reload: what the script asked before is gone
    });
    await page.exposeFunction("chaosReport", onReport);
    await page.exposeFunction("chaosError", (error: string) => {
      if (!errors.includes(error) && !NOT_INSTALLED.test(error)) errors.push(error); // every tab hears of it
    });
    if (quotaBytes !== null) {
      const quota = { origin: new URL(url).origin, quotaSize: quotaBytes };
      await tab.devtools.send("Storage.overrideQuotaForOrigin", quota);
    }
    await page.evaluateOnNewDocument(script);
    await page.goto(url);
    await until(page, "vault-app >>> button.primary:not([disabled])");
    tabs.push(tab);
    return tab;
  };

  await launch();
  return {
    get tabs() {
      return tabs;
    },
    errors,
    open,
    async close(tab) {
      drop(tab);
      await tab.page.close().catch(() => {});
    },
    async crashTab(tab) {
      const crashed = new Promise((resolve) => tab.page.once("error", resolve));
      drop(tab);
      tab.devtools.send("Page.crash").catch(() => {}); // nobody is left to answer
      await crashed; // else the next tab meets the service worker that dies with this one
    },
    async freeze(tab, frozen) {
      tab.frozen = frozen;
      await tab.devtools.send("Page.setWebLifecycleState", { state: frozen ? "frozen" : "active" }).catch(() => {});
    },
    async stopServiceWorker() {
      const tab = tabs.find((one) => !one.frozen);
      if (!tab) return;
      await tab.devtools.send("ServiceWorker.enable");
      await tab.devtools.send("ServiceWorker.stopAllWorkers");
      await tab.devtools.send("ServiceWorker.disable");
    },
    async crash() {
      const ended = new Promise((resolve) => browser.process()?.once("exit", resolve));
      browser.process()?.kill("SIGKILL");
      await ended;
      for (const tab of tabs) drop(tab);
      await launch();
      await open();
    },
    async end() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Asked from here: a tab that is not in front has no animation frames, which Puppeteer's own waiting needs. */
export async function until(page: Page, selector: string): Promise<void> {
  for (const untilMs = Date.now() + 60_000; Date.now() < untilMs; ) {
    // A navigation under way takes the page's realm along.
    if (await page.$(selector).catch(() => null)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`there is no ${selector} after a minute, but ${await shownOn(page)}`);
}

/** Texts of the page, to tell why a run failed. */
const shownOn = (page: Page): Promise<string> =>
  page
    .evaluate(() => {
      const roots = [...document.querySelectorAll("*")].map(({ shadowRoot }) => shadowRoot?.textContent ?? "");
      return `${document.readyState}: ${document.body.textContent} ${roots.join(" ")}`.replace(/\s+/g, " ");
    })
    .catch((cause: unknown) => `no page (${cause})`);
