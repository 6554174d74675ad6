import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Site } from "../../cli/site-server.ts";
import { bundlePath } from "../browser/bundle.ts";
import { API_CONTRACT } from "../contract/api-contract.ts";
import type { EngineBrowser, Tab } from "./engine-driver.ts";
import { ENGINES } from "./engines.ts";
import { startSite, visit } from "./vault.ts";

declare const runContractCase: (name: string) => Promise<string>;

/** One visit serves them all: no case may lean on what another one left. */
describe.each(ENGINES)("the contract in $name", ({ launch }) => {
  let site: Site;
  let browser: EngineBrowser;
  let tab: Tab;

  beforeAll(async () => {
    site = await startSite();
    browser = await launch();
    tab = await visit(browser, site);
    await tab.run(readFileSync(bundlePath("contract.js"), "utf8"));
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  test.each(API_CONTRACT)("$name", async ({ name }) => {
    expect(await tab.evaluate((name) => runContractCase(name), name)).toBe("ok");
  });
});
