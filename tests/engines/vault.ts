import { copyFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type Site, serveSite } from "../../cli/site-server.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { copyOfSite, DIST, withFakeWorker } from "../browser/site-folders.ts";
import { cassetteFolder } from "../fixtures/cassettes.ts";
import type { EngineBrowser, Tab } from "./engine-driver.ts";

interface SiteOptions {
  readonly fakeEngine?: boolean;
  /** Files that are served beside the app's. */
  readonly beside?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The built app at a port of its own: to a browser a new origin, where nothing is stored and nothing runs. */
export async function startSite({ fakeEngine = false, beside = [], env: own = {} }: SiteOptions = {}): Promise<Site> {
  const folder = fakeEngine ? withFakeWorker() : beside.length > 0 ? copyOfSite(() => null) : DIST;
  for (const file of beside) copyFileSync(file, join(folder, basename(file)));
  // Nobody listens at the hub's address.
  const env = {
    MINIVAULT_HUB: "http://localhost:9",
    MINIVAULT_MODEL: "minivault-demo",
    MINIVAULT_CASSETTES: cassetteFolder(),
    ...own,
  };
  const site = await serveSite({ folder, port: 0, env });
  return {
    ...site,
    async close() {
      await site.close();
      if (folder !== DIST) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens the app and waits until its requests are answered. */
export async function visit(browser: EngineBrowser, { url }: Site): Promise<Tab> {
  const tab = await browser.newTab(url);
  await answering(tab);
  return tab;
}

declare const unhandledErrors: string[] | undefined;

/** Until the page is controlled and the model is loaded. From here on errors that nobody handles are kept. */
export const answering = (tab: Tab): Promise<void> =>
  tab.evaluate(async () => {
    const unhandled: string[] = [];
    Object.assign(globalThis, { unhandledErrors: unhandled });
    addEventListener("error", ({ message }) => unhandled.push(message));
    addEventListener("unhandledrejection", ({ reason }) => unhandled.push(String(reason)));
    const { serviceWorker } = navigator;
    const late = AbortSignal.timeout(240_000);
    if (!serviceWorker.controller) {
      await new Promise((resolve, reject) => {
        serviceWorker.addEventListener("controllerchange", resolve, { once: true });
        late.addEventListener("abort", async () => {
          const { active, waiting, installing } = (await serviceWorker.getRegistration()) ?? {};
          reject(new Error(`Nobody controls the page; ${[active, waiting, installing].map((one) => one?.state)}`));
        });
      });
    }
    // Not without a pause: on a busy machine the questions would keep the model from loading.
    while ((await fetch("/health", { signal: late })).status !== 200) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

export const unhandledIn = (tab: Tab): Promise<string[]> => tab.evaluate(() => unhandledErrors ?? []);

/** `POST /generate` from inside the page. */
export const generate = (tab: Tab, body: object) =>
  tab.evaluate(async (body) => {
    const response = await fetch("/generate", { method: "POST", body: JSON.stringify(body) });
    return { status: response.status, ...(await response.json()) };
  }, body);

/** The log, once every exchange in it has ended. */
export const closedLogs = (tab: Tab): Promise<LogRecord[]> =>
  tab.evaluate(async () => {
    for (;;) {
      const lines = (await (await fetch("/logs")).text()).split("\n").filter(Boolean);
      const records = lines.map((line) => JSON.parse(line) as LogRecord);
      if (records.every(({ finish_reason }) => finish_reason !== null)) return records;
    }
  });
