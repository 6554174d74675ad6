import type { Page } from "playwright";
import { bundlePage, bundlePath } from "../tests/browser/bundle.ts";
import type {} from "../tests/fixtures/downloads-page/page.ts";
import { type Hub, someBytes, startHub } from "../tests/fixtures/hub.ts";
import { servePlainly } from "../tests/fixtures/plain-host.ts";
import { withProfile } from "./profile.ts";

const WEIGHTS = "onnx/model.onnx";
/** Of distilgpt2 in 8 bits. */
const SIZE_BYTES = 84_911_479;
const ROUNDS = 5;
/** 200 Mbit/s; the line of the hub's stand-in is about as fast. */
const LINE_BYTES_PER_S = 25e6;

/** Milliseconds of a download by a bare `fetch()` to memory. */
const fetchBare = (page: Page, hub: Hub): Promise<number> =>
  page.evaluate(async (url) => {
    const startMs = performance.now();
    await (await fetch(url, { cache: "no-store" })).arrayBuffer();
    return performance.now() - startMs;
  }, `${hub.url}/owner/name/resolve/main/${WEIGHTS}`);

/** … by our library, until the file is whole, verified and stored. */
const fetchOurs = (page: Page): Promise<number> =>
  page.evaluate(async (path) => {
    const manifest = await window.library.describe("owner/name");
    const startMs = performance.now();
    await window.library.fetch(manifest, [path], {});
    const ms = performance.now() - startMs;
    await window.library.remove("owner/name");
    return ms;
  }, WEIGHTS);

/**
 * Our downloads against bare ones of the same file, in turns: how many times as long each pair took, over a line of
 * some speed and over one without a limit; and how fast the bare ones were, in MB/s.
 */
export async function measureDownloads() {
  await bundlePage("../fixtures/downloads-page/", "downloads-page");
  const hub = await startHub(0, new Map([[WEIGHTS, someBytes(SIZE_BYTES)]]));
  const site = await servePlainly(bundlePath("downloads-page"));
  const measured = await withProfile(async (context) => {
    const page = await context.newPage();
    await page.goto(`${site.url}?hub=${encodeURIComponent(hub.url)}`);
    await fetchOurs(page); // starts its workers
    const pairs = async (bytesPerSecond: number | null) => {
      hub.faults = bytesPerSecond === null ? [] : [{ bytesPerSecond }];
      const ratios: number[] = [];
      const speeds: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const bareMs = await fetchBare(page, hub);
        speeds.push(SIZE_BYTES / 1000 / bareMs);
        ratios.push((await fetchOurs(page)) / bareMs);
      }
      return { ratios, speeds };
    };
    const line = await pairs(LINE_BYTES_PER_S);
    const loopback = await pairs(null);
    return {
      download_overhead_ratio: line.ratios,
      download_line_mb_per_s: line.speeds,
      download_overhead_ratio_unthrottled: loopback.ratios,
      download_unthrottled_mb_per_s: loopback.speeds,
    };
  });
  await site.close();
  await hub.close();
  return measured;
}
