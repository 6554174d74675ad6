import { rmSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright";
import { serveSite } from "../cli/site-server.ts";
import { bundle } from "../tests/browser/bundle.ts";
import { DIST, withFakeWorker } from "../tests/browser/site-folders.ts";
import { runChaos } from "../tests/chaos/chaos.ts";
import { findChromium, QUIET_FLAGS } from "../tests/find-chromium.ts";
import { ENDLESS } from "../tests/fixtures/endless.ts";
import { measureDownloads } from "./downloads.ts";
import { measureLifecycle } from "./lifecycle.ts";
import { measureLoads } from "./loads.ts";
import { measureLogs } from "./logs.ts";
import { measureSizes } from "./sizes.ts";

/** `npm run bench -- --json`: medians in real Chromium, on one line of JSON at the end. */
const STORY = { prompt: "Once upon a time", max_new_tokens: 200, temperature: 1, seed: 4, ...ENDLESS };
/** A list of words that only ends when the tokens do. */
const LIST = { ...STORY, format: { type: "array", items: { type: "string" }, minItems: 30 } };
/** Answers before the rate is measured: until then the compiler is still at work on the loop. */
const WARM_UP = 12;
const ENV = { MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "minivault-demo", MINIVAULT_DEVICE: "wasm" };

/** Time to the first and the last chunk of a stream, and its chunks, as a page sees them. */
const stream = (page: Page, body: object) =>
  page.evaluate(async (body) => {
    const startMs = performance.now();
    const response = await fetch("/generate/stream", {
      method: "POST",
      headers: { accept: "application/x-ndjson" },
      body: JSON.stringify(body),
    });
    const reader = response.body?.getReader();
    let firstMs = 0;
    let text = "";
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      firstMs ||= performance.now();
      text += new TextDecoder().decode(next.value);
    }
    const endMs = performance.now();
    const tokens = text.trimEnd().split("\n").length - 1;
    return { ttftMs: firstMs - startMs, decodeMs: endMs - firstMs, totalMs: endMs - startMs, tokens };
  }, body);

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("button", { name: "Generate" }).and(page.locator(":enabled")).waitFor();
  await stream(page, { prompt: "warm up", max_new_tokens: 8 });
  return page;
}

/** A browser profile without history, from the navigation to the first token of the first request. */
async function firstVisit(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "commit" });
  const ms = await page.evaluate(async () => {
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) =>
        navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
      );
    }
    const response = await fetch("/generate/stream", { method: "POST", body: JSON.stringify({ prompt: "Once" }) });
    await response.body?.getReader().read();
    return performance.now();
  });
  await context.close();
  return ms;
}

async function repeat(times: number, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < times; round++) values.push(await measure());
  return values.sort((a, b) => a - b);
}

async function measureReal(browser: Browser) {
  const site = await serveSite({ folder: DIST, port: 0, env: ENV });
  const first_visit_to_first_token_ms = await repeat(5, () => firstVisit(browser, site.url));
  const page = await open(browser, site.url);
  const ttft_ms = await repeat(20, async () => (await stream(page, { ...STORY, max_new_tokens: 1 })).ttftMs);
  await repeat(WARM_UP, async () => (await stream(page, STORY)).decodeMs);
  const rate = async (body: object) => {
    const { tokens, decodeMs } = await stream(page, body);
    return ((tokens - 1) * 1000) / decodeMs;
  };
  const tokens_per_s = await repeat(10, () => rate(STORY));
  await repeat(WARM_UP, () => rate(LIST));
  const structured_tokens_per_s = await repeat(10, () => rate(LIST));
  await site.close();
  return { first_visit_to_first_token_ms, ttft_ms, tokens_per_s, structured_tokens_per_s };
}

async function measureOverhead(browser: Browser) {
  await bundle("../fixtures/fake-worker.ts", "fake-worker.js");
  const folder = withFakeWorker();
  const site = await serveSite({ folder, port: 0, env: ENV });
  const page = await open(browser, site.url);
  const api_overhead_ms_per_token = await repeat(7, async () => {
    const { totalMs, tokens } = await stream(page, { prompt: "a", max_new_tokens: 3000 });
    return totalMs / tokens;
  });
  await site.close();
  rmSync(folder, { recursive: true });
  return { api_overhead_ms_per_token };
}

const round = (value: number) => Math.round(value * 1000) / 1000;
const sortedOf = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const middle = (values: readonly number[]) => round(sortedOf(values)[Math.floor(values.length / 2)] ?? Number.NaN);
const range = (values: readonly number[]) => [round(Math.min(...values)), round(Math.max(...values))];
type Samples = Record<string, readonly number[]>;
const each = <T>(samples: Samples, of: (values: readonly number[]) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, of(values)]));

const sizes = await measureSizes();
const browser = await chromium.launch({ executablePath: findChromium(), args: QUIET_FLAGS });
const samples: Samples = {
  ...(await measureReal(browser)),
  ...(await measureOverhead(browser)),
  ...(await measureLifecycle(browser, ENV)),
  ...(await measureDownloads()),
  ...(await measureLogs()),
};
await browser.close();
/** By model. */
const loads = await measureLoads();
const { requests, lostTokens, lostRecords } = await runChaos({ seed: 1, minutes: 1, tell: () => {} });
const chaos = { chaos_requests: requests, chaos_lost_tokens: lostTokens, chaos_lost_records: lostRecords };

const figuresBy = (of: (values: readonly number[]) => unknown) => ({
  ...each(samples, of),
  ...Object.fromEntries(Object.entries(loads).map(([name, byModel]) => [name, each(byModel, of)])),
});
const figures = { ...figuresBy(middle), ...chaos, ...sizes };
if (process.argv.includes("--json")) console.log(JSON.stringify({ ...figures, spread: figuresBy(range) }));
else console.table(figures);
