import { pathToFileURL } from "node:url";
import type { BrowserContext, Page } from "playwright";
import { type Site, serveSite } from "../cli/site-server.ts";
import { bundle, bundlePath } from "../tests/browser/bundle.ts";
import { DIST } from "../tests/browser/site-folders.ts";
import { ENDLESS } from "../tests/fixtures/endless.ts";
import type {} from "../tests/fixtures/log-append.ts";
import { withProfile } from "./profile.ts";
import { startRandomHub } from "./random-model.ts";

/** `npx tsx bench/logs.ts 1000000`: the log alone, with so many records of 1 kB. */
const RECORDS = 100_000;
const BATCH = 500;
const AT_ONCE = 64;
/** Pairs of answers, with and without a log: one pair alone differs by more than the log can cost. */
const PAIRS = { distilgpt2: 20, small: 80 };
/** Answers before those are as slow as what comes after a start. */
const WARM_UP = { distilgpt2: 2, small: 15 };
const TOKENS = { distilgpt2: 40, small: 200 };
const QUERIES = 40;
const ENV = { MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "minivault-demo", MINIVAULT_DEVICE: "wasm" };

/** A page of the site without any of the app, whose service worker answers its requests. */
async function barePage(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript({ path: bundlePath("log-append.js") });
  await page.goto(`${site.url}icons/vault.svg`);
  return page;
}

/** Milliseconds to the first token and to the end of the same answer, logged and not, in turns. */
async function measureOverhead(context: BrowserContext, site: Site, size: keyof typeof PAIRS) {
  const page = await context.newPage();
  await page.goto(site.url);
  await page.getByRole("button", { name: "Generate" }).and(page.locator(":enabled")).waitFor({ timeout: 300_000 });
  const ask = (level: "full" | "none") =>
    page.evaluate(
      async ({ level, body }) => {
        const startMs = performance.now();
        const headers = { "x-minivault-log": level };
        const reader = (await fetch("/generate/stream", { method: "POST", body, headers })).body!.getReader();
        await reader.read();
        const ttftMs = performance.now() - startMs;
        while (!(await reader.read()).done);
        return { ttftMs, totalMs: performance.now() - startMs };
      },
      {
        level,
        body: JSON.stringify({ prompt: "Once upon a time", max_new_tokens: TOKENS[size], seed: 4, ...ENDLESS }),
      },
    );
  const pairs: { full: Awaited<ReturnType<typeof ask>>; none: Awaited<ReturnType<typeof ask>> }[] = [];
  for (let round = -WARM_UP[size]; round < PAIRS[size]; round++) {
    const first = await ask(round % 2 ? "full" : "none");
    const second = await ask(round % 2 ? "none" : "full");
    const pair = round % 2 ? { full: first, none: second } : { full: second, none: first };
    if (round >= 0) pairs.push(pair); // the ones before warm up
  }
  await page.close();
  return {
    ratio: pairs.map(({ full, none }) => full.totalMs / none.totalMs),
    onTtftMs: pairs.map(({ full }) => full.ttftMs),
    offTtftMs: pairs.map(({ none }) => none.ttftMs),
  };
}

/** With a model of the size that people have, and with one whose whole answer takes a tenth of a second. */
async function measureOverheads(context: BrowserContext, site: Site) {
  const small = await measureOverhead(context, site, "small");
  const { hub, env } = await startRandomHub();
  const real = await serveSite({ folder: DIST, port: 0, env: { ...ENV, ...env, MINIVAULT_MODEL: "distilgpt2" } });
  const { ratio } = await measureOverhead(context, real, "distilgpt2");
  await real.close();
  await hub.close();
  return {
    log_overhead_ratio: ratio,
    log_overhead_small_ratio: small.ratio,
    log_on_ttft_ms: small.onTtftMs,
    log_off_ttft_ms: small.offTtftMs,
  };
}

/** Exchanges begun and ended, records added that had ended, and rows that the database alone takes, in each second. */
async function measureAppends(page: Page, records: number) {
  const log_append_per_s: number[] = [];
  const log_add_per_s: number[] = [];
  const log_bare_per_s: number[] = [];
  const log_bare_indexed_per_s: number[] = [];
  for (let round = -1; round < 5; round++) {
    const ms = await page.evaluate((atOnce) => window.logAppend.exchanges(2_000, atOnce), AT_ONCE);
    if (round < 0) continue;
    log_append_per_s.push(2_000_000 / ms);
    for (const [figure, hasIndexes] of [
      [log_bare_indexed_per_s, true],
      [log_bare_per_s, false],
    ] as const) {
      figure.push(2_000_000 / (await page.evaluate((has) => window.logAppend.bare(2_000, has), hasIndexes)));
    }
  }
  for (let from = 0; from < records; from += BATCH) {
    const ms = await page.evaluate(([from, to, all]) => window.logAppend.ended(from, to, all), [
      from,
      Math.min(records, from + BATCH),
      records,
    ] as const);
    log_add_per_s.push((BATCH * 1000) / ms);
  }
  return { log_append_per_s, log_add_per_s, log_bare_indexed_per_s, log_bare_per_s };
}

const timed = (page: Page, path: string): Promise<number> =>
  page.evaluate(async (path) => {
    const startMs = performance.now();
    const response = await fetch(path);
    if (!response.ok) throw new Error(await response.text());
    await response.text();
    return performance.now() - startMs;
  }, path);

/** Milliseconds of fifty records, found in one way and another. */
async function measureQueries(page: Page, records: number) {
  const day = (turn: number) => `2026-10-${String(1 + (turn % 29)).padStart(2, "0")}`;
  const order = (turn: number) => (turn % 2 ? "asc" : "desc");
  const common = ["capital+france", "model", "answers+question+words", "italy"];
  const kinds: Record<string, (turn: number) => string> = {
    log_query_time_ms: (turn) => `from=${day(turn)}`,
    log_query_model_ms: (turn) => `model=model-${turn % 10}&from=${day(turn)}`,
    log_query_text_ms: (turn) => `q=${common[turn % common.length]}`,
    log_query_rare_ms: (turn) => `q=rare${(turn * 1000) % records}`,
    log_query_absent_ms: (turn) => `q=capital+absent${turn}`,
  };
  const found: Record<string, number[]> = {};
  for (const [name, search] of Object.entries(kinds)) {
    await timed(page, `/logs?${search(0)}&limit=50`);
    found[name] = [];
    for (let turn = 0; turn < QUERIES; turn++) {
      found[name].push(await timed(page, `/logs?${search(turn)}&limit=50&order=${order(turn)}`));
    }
  }
  return found;
}

/**
 * Reads a file of all of it, and keeps none: megabytes a second, and by how many those of the page's heap grew meanwhile;
 * its buffers apart, which wait to be collected, and what is left of both when they are collected all the time.
 */
async function measureExport(page: Page) {
  const exported = (path: string) =>
    page.evaluate(async (path) => {
      let bytes = 0;
      const startMs = performance.now();
      const reader = (await fetch(path)).body!.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length;
      return bytes / 1000 / (performance.now() - startMs);
    }, path);
  const devtools = await page.context().newCDPSession(page);
  const collect = () => devtools.send("HeapProfiler.collectGarbage");
  const measured = {
    log_export_mb_per_s: [] as number[],
    log_export_heap_mb: [] as number[],
    log_export_buffers_mb: [] as number[],
    log_export_live_mb: [] as number[],
  };
  const watched = async (isCollecting: boolean) => {
    await collect();
    const before = await devtools.send("Runtime.getHeapUsage");
    const most = { heap: 0, buffers: 0, both: 0 };
    let isOver = false;
    const exporting = exported("/logs/export").finally(() => {
      isOver = true;
    });
    while (!isOver) {
      if (isCollecting) await collect();
      const { usedSize, backingStorageSize } = await devtools.send("Runtime.getHeapUsage");
      const [heap, buffers] = [usedSize - before.usedSize, backingStorageSize - before.backingStorageSize];
      most.heap = Math.max(most.heap, heap / 1e6);
      most.buffers = Math.max(most.buffers, buffers / 1e6);
      most.both = Math.max(most.both, (heap + buffers) / 1e6);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { mbPerS: await exporting, most };
  };
  await exported("/logs/export?to=2026-10-03"); // warms up
  for (let round = 0; round < 3; round++) {
    const { mbPerS, most } = await watched(false);
    measured.log_export_mb_per_s.push(mbPerS);
    measured.log_export_heap_mb.push(most.heap);
    measured.log_export_buffers_mb.push(most.buffers);
  }
  measured.log_export_live_mb.push((await watched(true)).most.both);
  return measured;
}

const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? 0;

/** The log in a profile on the disk. */
export async function measureLogs(records = RECORDS): Promise<Record<string, readonly number[]>> {
  await bundle("../fixtures/log-append.ts", "log-append.js");
  const site = await serveSite({ folder: DIST, port: 0, env: ENV });
  const measured = await withProfile(async (context) => {
    const overhead = await measureOverheads(context, site);
    const page = await barePage(context, site);
    const appends = await measureAppends(page, records);
    await page.evaluate(() => window.logAppend.indexed());
    const queries = await measureQueries(page, records);
    const log_query_ms = [Math.max(...Object.values(queries).map(p95))];
    return { ...overhead, ...appends, ...queries, log_query_ms, ...(await measureExport(page)) };
  });
  await site.close();
  return measured;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const figures = await measureLogs(Number(process.argv[2] ?? RECORDS));
  const rows = Object.entries(figures).map(([name, values]) => {
    const sorted = values.toSorted((a, b) => a - b).map((value) => Math.round(value * 1000) / 1000);
    return [name, { median: sorted[sorted.length >> 1], p95: p95(sorted), least: sorted[0], most: sorted.at(-1) }];
  });
  console.table(Object.fromEntries(rows));
}
