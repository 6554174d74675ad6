import { rmSync } from "node:fs";
import { type BrowserContext, test as base, expect, type Page } from "playwright/test";
import { type Site, serveSite } from "../../cli/site-server.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { cassetteFolder } from "../fixtures/cassettes.ts";
import { type EngineWork, STEPS_CHANNEL } from "../fixtures/fake-text.ts";
import { DIST, withClients, withFakeWorker, withHastyWorker } from "./site-folders.ts";

/** Nobody listens there: whoever is sent to it cannot reach the hub. */
export const DEAD_HUB = "http://localhost:9";

interface Fixtures {
  /** Environment of the server; the hub is a dead one unless a spec brings its own. */
  env: Record<string, string>;
  /** Swaps the engine's worker for the fake one. */
  fakeEngine: boolean;
  /** The fake worker, and a service worker with short leases. */
  hasty: boolean;
  /** Serves what is in `tests/clients` beside the app. */
  clientsServed: boolean;
  site: Site;
  /** `METHOD /path` of every request that reached the server. */
  served: string[];
  /** Requests that left for another origin than the site's. */
  foreign: string[];
  /** A page with a service worker in control, after a first visit with an empty profile. */
  vault: Page;
}

export const test = base.extend<Fixtures>({
  env: [
    { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", MINIVAULT_CASSETTES: cassetteFolder() },
    { option: true },
  ],
  fakeEngine: [false, { option: true }],
  hasty: [false, { option: true }],
  clientsServed: [false, { option: true }],

  site: async ({ env, fakeEngine, hasty, clientsServed }, use) => {
    const folder = clientsServed
      ? withClients(fakeEngine)
      : hasty
        ? withHastyWorker()
        : fakeEngine
          ? withFakeWorker()
          : DIST;
    const site = await serveSite({ folder, port: 0, env });
    await use(site);
    await site.close();
    if (folder !== DIST) rmSync(folder, { recursive: true });
  },

  served: async ({ site }, use) => {
    const served: string[] = [];
    site.httpServer.on("request", ({ method, url }) => served.push(`${method} ${url}`));
    await use(served);
  },

  foreign: async ({ context, site }, use) => {
    const foreign: string[] = [];
    context.on("request", (request) => {
      if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) foreign.push(request.url());
    });
    await use(foreign);
  },

  vault: async ({ page, site }, use) => {
    const errors = watchErrors(page);
    await visit(page, site.url);
    // On a busy machine the page answers itself first.
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    await use(page);
    expect(errors).toEqual([]);
  },
});

export { expect };

/** Errors that a page does not handle. */
function watchErrors(page: Page): Error[] {
  const errors: Error[] = [];
  page.on("pageerror", (error) => errors.push(error));
  return errors;
}

/** Opens the page and waits until its requests are answered. */
export async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();
}

export async function newTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await visit(page, url);
  return page;
}

/** `POST /generate` from inside the page. */
export const generate = (page: Page, body: object) =>
  page.evaluate(async (body) => {
    const response = await fetch("/generate", { method: "POST", body: JSON.stringify(body) });
    return { status: response.status, ...(await response.json()) };
  }, body);

/** What a route of any dialect answers to a prompt. */
export const postTo = (page: Page, path: string) =>
  page.evaluate(async (path) => {
    const response = await fetch(path, { method: "POST", body: JSON.stringify({ prompt: "a", model: "fake" }) });
    return { status: response.status, text: await response.text() };
  }, path);

export const health = (page: Page) => page.evaluate(async () => (await fetch("/health")).json());

/** The log, once every exchange in it has ended. */
export async function closedLogs(page: Page): Promise<LogRecord[]> {
  let records: LogRecord[] = [];
  await expect
    .poll(async () => {
      const text = await page.evaluate(async () => (await fetch("/logs")).text());
      records = text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LogRecord);
      return records.filter(({ finish_reason }) => finish_reason === null).length;
    })
    .toBe(0);
  return records;
}

/** Forward passes of the fake engine so far. */
export const engineSteps = async (page: Page): Promise<number> => (await engineWork(page)).steps;

/** Settles once the fake engine computes for nobody. */
export const engineIdle = (page: Page) => expect.poll(async () => (await engineWork(page)).answers).toBe(0);

const engineWork = (page: Page) =>
  page.evaluate(
    (name) =>
      new Promise<EngineWork>((resolve) => {
        const channel = new BroadcastChannel(name);
        const ask = setInterval(() => channel.postMessage(null), 50); // the engine may be changing hands
        channel.addEventListener("message", ({ data }) => {
          clearInterval(ask);
          channel.close();
          resolve(data);
        });
      }),
    STEPS_CHANNEL,
  );

/** A stream that is being read in the page, under a name, while the test does something to its surroundings. */
export async function beginStream(page: Page, name: string, body: object): Promise<void> {
  await page.evaluate(
    async ([name, body]) => {
      const response = await fetch("/generate/stream", {
        method: "POST",
        headers: { "x-request-id": name, accept: "text/event-stream" },
        body: JSON.stringify(body),
      });
      const read = { text: "", end: null as string | null, gapMs: 0 };
      Object.assign(globalThis, { [name]: read });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      void (async () => {
        try {
          let lastMs = performance.now();
          for (let next = await reader.read(); !next.done; next = await reader.read()) {
            read.text += next.value;
            read.gapMs = Math.max(read.gapMs, performance.now() - lastMs);
            lastMs = performance.now();
          }
          read.end = "closed";
        } catch (cause) {
          read.end = (cause as Error).name;
        }
      })();
    },
    [name, body] as const,
  );
}

interface StreamRead {
  readonly text: string;
  /** `closed`, or the name of what broke it. */
  readonly end: string;
  readonly gapMs: number;
}

export const streamSoFar = (page: Page, name: string) =>
  page.evaluate((name) => (globalThis as unknown as Record<string, StreamRead>)[name]!, name);

export async function streamEnd(page: Page, name: string): Promise<StreamRead> {
  await page.waitForFunction((name) => (globalThis as unknown as Record<string, StreamRead>)[name]?.end, name);
  return streamSoFar(page, name);
}

/** Resolves once so many events have arrived. */
export const streamHas = (page: Page, name: string, events: number) =>
  page.waitForFunction(
    ([name, events]) => (globalThis as unknown as Record<string, StreamRead>)[name]!.text.split("\n\n").length > events,
    [name, events] as const,
  );

/** What server-sent events say, comments left out. */
export const saidIn = (sse: string): string =>
  [...sse.matchAll(/^data: (\{"token".*)$/gm)].map(([, data]) => JSON.parse(data ?? "").token).join("");

export async function stopServiceWorker(context: BrowserContext, page: Page): Promise<void> {
  const devtools = await context.newCDPSession(page);
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.stopAllWorkers");
  await devtools.detach();
}

/** Adds to the log as a version without any of this would. */
export const addLogRow = (page: Page, record: object) =>
  page.evaluate(async (record) => {
    const opening = indexedDB.open("minivault");
    await new Promise((resolve) => {
      opening.onsuccess = resolve;
    });
    const tx = opening.result.transaction("logs", "readwrite");
    tx.objectStore("logs").add({ record });
    await new Promise((resolve) => {
      tx.oncomplete = resolve;
    });
    opening.result.close();
  }, record);
