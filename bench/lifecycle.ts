import type { Browser, CDPSession, Page } from "playwright";
import { type Site, serveSite } from "../cli/site-server.ts";
import { DIST } from "../tests/browser/site-folders.ts";

/** Waits until a prompt can be sent and the engine is ready; in milliseconds since the navigation began. */
const ready = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    for (;;) {
      const app = document.querySelector("vault-app")?.shadowRoot;
      const usable = app?.querySelector("prompt-form")?.shadowRoot?.querySelector("button.primary:enabled");
      const loaded = app?.querySelector("engine-status")?.shadowRoot?.querySelector(".ready");
      if (usable && loaded) return performance.now();
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });

/** Without a server and a network: from the reload until a prompt can be sent to an engine that is ready. */
async function offlineReload(browser: Browser, site: Site, times: number): Promise<number[]> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.url);
  await ready(page);
  await site.close();
  await context.setOffline(true);
  const values: number[] = [];
  for (let round = 0; round < times; round++) {
    await page.reload({ waitUntil: "commit" });
    values.push(await ready(page));
  }
  await context.close();
  return values;
}

/** A service worker that the browser had stopped: from the `fetch` to the first byte of a stream, the engine loaded. */
async function coldServiceWorker(browser: Browser, site: Site, times: number): Promise<number[]> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.url);
  await ready(page);
  const devtools = await context.newCDPSession(page);
  const values: number[] = [];
  for (let round = 0; round < times; round++) {
    await firstByte(page);
    await stopServiceWorker(devtools);
    values.push(await firstByte(page));
  }
  await context.close();
  return values;
}

const firstByte = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const startMs = performance.now();
    const body = JSON.stringify({ prompt: "Once upon a time", max_new_tokens: 1 });
    const response = await fetch("/generate/stream", { method: "POST", body });
    const reader = response.body?.getReader();
    await reader?.read();
    const ms = performance.now() - startMs;
    while (!(await reader?.read())?.done);
    return ms;
  });

async function stopServiceWorker(devtools: CDPSession): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    devtools.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
      if (versions.some(({ runningStatus }) => runningStatus === "stopped")) resolve();
    });
  });
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.stopAllWorkers");
  await stopped;
  await devtools.send("ServiceWorker.disable");
}

/**
 * The tab that hosts the engine is closed while another one is read to: the longest silence there, over several answers
 * that wait for each other, since one alone may be over before the tab is.
 */
async function handover(browser: Browser, site: Site, times: number): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < times; round++) {
    const context = await browser.newContext();
    const host = await context.newPage();
    await host.goto(site.url);
    await ready(host);
    const reader = await context.newPage();
    await reader.goto(site.url);
    await ready(reader);
    const silence = reader.evaluate(async () => {
      const body = JSON.stringify({ prompt: "Once upon a time", max_new_tokens: 240 });
      let lastMs = Number.POSITIVE_INFINITY;
      let longestMs = 0;
      const readers = Array.from({ length: 8 }, async () => {
        const response = await fetch("/generate/stream", { method: "POST", body });
        const chunks = response.body?.getReader();
        for (let next = await chunks?.read(); next && !next.done; next = await chunks?.read()) {
          const nowMs = performance.now();
          longestMs = Math.max(longestMs, nowMs - lastMs);
          lastMs = nowMs;
          Object.assign(globalThis, { begun: true });
        }
      });
      await Promise.all(readers);
      return longestMs;
    });
    await reader.waitForFunction(() => "begun" in globalThis, null, { polling: 1 });
    await host.close();
    values.push(await silence);
    await context.close();
  }
  return values;
}

/** The three figures, sorted. */
export async function measureLifecycle(browser: Browser, env: Record<string, string>) {
  const site = await serveSite({ folder: DIST, port: 0, env });
  const gaps = await handover(browser, site, 7);
  const cold = await coldServiceWorker(browser, site, 9);
  const offline = await offlineReload(browser, site, 7);
  const sorted = (values: number[]) => values.sort((a, b) => a - b);
  return {
    handover_gap_ms: sorted(gaps),
    offline_reload_to_interactive_ms: sorted(offline),
    sw_cold_first_byte_ms: sorted(cold),
  };
}
