import { fileURLToPath } from "node:url";
import { buildSite } from "../../cli/build-site.ts";
import { bundle, bundlePage } from "./bundle.ts";

/** The built app, and what the specs bring into it. */
export default async function setUp(): Promise<void> {
  await buildSite(fileURLToPath(new URL("../..", import.meta.url)));
  await bundle("../contract/in-page.ts", "contract.js");
  await bundle("../fixtures/fake-worker.ts", "fake-worker.js");
  await bundle("../fixtures/hasty-sw.ts", "hasty-sw.js");
  await bundle("../clients/in-page.ts", "clients.js");
  await bundle("../clients/plain-page.ts", "plain-page.js");
  await bundlePage("../fixtures/downloads-page/", "downloads-page");
}
