import { fileURLToPath } from "node:url";
import { buildSite } from "../../cli/build-site.ts";
import { bundle } from "../browser/bundle.ts";
import { findFirefox, findWebKit } from "../find-browsers.ts";
import { findChromium } from "../find-chromium.ts";

/** The browsers, the built app, and what the suites bring into it. */
export default async function setUp(): Promise<void> {
  findChromium();
  findFirefox();
  findWebKit();
  await buildSite(fileURLToPath(new URL("../..", import.meta.url)));
  await bundle("../contract/in-page.ts", "contract.js");
  await bundle("../fixtures/fake-worker.ts", "fake-worker.js");
  await bundle("../fixtures/store-worker.ts", "store-worker.js");
}
