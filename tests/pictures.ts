import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright";
import { buildSite } from "../cli/build-site.ts";
import { serveSite } from "../cli/site-server.ts";
import { findChromium, QUIET_FLAGS } from "./find-chromium.ts";

/** `npm run pictures`: those of the README and of the manifest, taken of the app as it is built. */
const root = fileURLToPath(new URL("..", import.meta.url));
const ENV = { MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "minivault-demo", MINIVAULT_DEVICE: "wasm" };
/** What the manifest says of them. */
const WIDE = { viewport: { width: 1280, height: 1000 } };
const NARROW = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

/** What other programs asked before. */
const CHAT = { model: "minivault-demo", messages: [{ role: "user", content: "What model are you?" }], temperature: 0 };
const STORY = { model: "minivault-demo", prompt: "Once upon a time", options: { temperature: 0, num_predict: 20 } };
const EARLIER = [
  { path: "/v1/chat/completions", body: CHAT },
  { path: "/api/generate", body: STORY },
];

const ready = (page: Page) => page.getByRole("button", { name: "Generate" }).and(page.locator(":enabled")).waitFor();

/** The app with a log of several dialects, and an answer. */
async function openApp(browser: Browser, url: string, options: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext({ ...options, locale: "en-GB" })).newPage();
  await page.goto(url);
  await ready(page);
  // The first answer is the slow one: the compiler is still at work.
  for (const asked of EARLIER) {
    await page.evaluate(async ({ path, body }) => {
      await (await fetch(path, { method: "POST", body: JSON.stringify(body) })).text();
    }, asked);
  }
  await page.getByLabel("Prompt").fill("Q: What is the capital of France?\nA:");
  await page.getByRole("button", { name: "Generate" }).click();
  await page.getByText("ended by itself").waitFor();
  await page.getByRole("listitem").nth(2).waitFor();
  await page.mouse.move(0, 0);
  return page;
}

/** A chat that was tried out. */
async function openDocs(app: Page): Promise<Page> {
  const docs = await app.context().newPage();
  await docs.goto(new URL("docs", app.url()).href);
  await docs.locator("#api-title").waitFor();
  await docs.evaluate(() => {
    location.hash = "?route=post-/v1/chat/completions";
  });
  await docs.getByRole("button", { name: "Execute" }).click();
  await docs.getByText("Response Status: 200").waitFor();
  await docs.mouse.move(0, 0);
  await docs
    .getByText("Request body")
    .first()
    .evaluate((heading) => heading.scrollIntoView());
  return docs;
}

const folder = await buildSite(root);
const site = await serveSite({ folder, port: 0, env: ENV });
const browser = await chromium.launch({ executablePath: findChromium(), args: QUIET_FLAGS });
mkdirSync(`${root}public/screenshots`, { recursive: true });

const wide = await openApp(browser, site.url, WIDE);
await wide.screenshot({ path: `${root}public/screenshots/wide.png` });
await wide.screenshot({ path: `${root}docs/page.png`, fullPage: true });
const docs = await openDocs(wide);
await docs.setViewportSize({ width: 1280, height: 900 });
await docs.screenshot({ path: `${root}docs/api.png` });
const narrow = await openApp(browser, site.url, NARROW);
await narrow.screenshot({ path: `${root}public/screenshots/narrow.png` });

await browser.close();
await site.close();
