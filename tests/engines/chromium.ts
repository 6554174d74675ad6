import { type BrowserContext, chromium, type Page } from "playwright";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { type EngineDriver, type RawTab, tabOf } from "./engine-driver.ts";
import { createProfile, removeProfile } from "./processes.ts";

/** By the DevTools protocol, through Playwright. */
export const CHROMIUM: EngineDriver = {
  name: "Chromium",
  keepsProfile: true,
  async launch() {
    const profile = createProfile();
    const start = () =>
      chromium.launchPersistentContext(profile, { executablePath: findChromium(), args: QUIET_FLAGS });
    let context: BrowserContext = await start();
    return {
      version: context.browser()?.version() ?? "",
      async newTab(url) {
        const page = await context.newPage();
        await page.goto(url);
        return tabOf(rawTab(page));
      },
      async restart() {
        await context.close();
        context = await start();
      },
      async close() {
        await context.close();
        await removeProfile(profile);
      },
    };
  },
};

const rawTab = (page: Page): RawTab => ({
  expression: (source) => page.evaluate(source),
  async reload() {
    await page.reload();
  },
  close: () => page.close(),
});
