import { launch, type Page } from "puppeteer-core";
import { findFirefox } from "../find-browsers.ts";
import { type EngineDriver, type RawTab, tabOf } from "./engine-driver.ts";
import { createProfile, removeProfile } from "./processes.ts";

/** By WebDriver BiDi, through Puppeteer. The tab that was opened last is in front, the others are hidden. */
export const FIREFOX: EngineDriver = {
  name: "Firefox",
  keepsProfile: true,
  async launch() {
    const profile = createProfile();
    const start = () => launch({ browser: "firefox", executablePath: findFirefox(), userDataDir: profile });
    let browser = await start();
    return {
      version: (await browser.version()).replace(/^firefox\//, ""),
      async newTab(url) {
        const page = await browser.newPage();
        await page.goto(url);
        return tabOf(rawTab(page));
      },
      async restart() {
        await browser.close();
        browser = await start();
      },
      async close() {
        await browser.close();
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
