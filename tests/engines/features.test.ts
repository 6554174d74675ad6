import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { ENGINES } from "./engines.ts";
import { type Features, featureTable, probeFeatures } from "./features.ts";
import { startSite, visit } from "./vault.ts";

const REPORTS = new URL("../../test-results/", import.meta.url);
const measured: Array<{ title: string; features: Features }> = [];

test.each(ENGINES)("what /health says of $name is what $name has", async ({ name, launch }) => {
  const site = await startSite({ beside: [fileURLToPath(new URL("probe-sw.js", import.meta.url))] });
  const browser = await launch();
  try {
    const tab = await visit(browser, site);
    const features = await tab.evaluate(probeFeatures);
    measured.push({ title: `${name} ${browser.version}`, features });
    const { health, cores } = await tab.evaluate(async () => ({
      health: await (await fetch("/health")).json(),
      cores: navigator.hardwareConcurrency,
    }));
    expect(health).toMatchObject({
      device: features.webgpu ? "webgpu" : "wasm",
      threads: features.threads ? Math.min(4, cores) : 1,
      storage: features.quota ? { used: expect.any(Number) } : null,
      fallback: null,
    });
    // Without these nothing works.
    expect(features).toMatchObject({ locks: true });
  } finally {
    await browser.close();
    await site.close();
  }
});

/** For the README. */
afterAll(() => {
  mkdirSync(REPORTS, { recursive: true });
  writeFileSync(new URL("engines.md", REPORTS), `${featureTable(measured)}\n`);
});
