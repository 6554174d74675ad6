import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePath } from "./bundle.ts";

/** The built app. */
export const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const SCRATCH = fileURLToPath(new URL("../../test-results", import.meta.url));

/** The built app again, its files linked, only the engine's worker is another. */
export const withFakeWorker = (): string =>
  copyOfSite((name) => (/^worker-.*\.js$/.test(name) ? bundlePath("fake-worker.js") : null));

/** The fake worker, and a service worker that loses its patience within seconds. */
export const withHastyWorker = (): string =>
  copyOfSite((name) =>
    name === "sw.js" ? bundlePath("hasty-sw.js") : /^worker-.*\.js$/.test(name) ? bundlePath("fake-worker.js") : null,
  );

/** Adds a page that is not the app's, and the script of `tests/clients`, to the built app or what is made of it. */
export function withClients(fakeEngine: boolean): string {
  const folder = fakeEngine ? withFakeWorker() : copyOfSite(() => null);
  for (const script of ["clients.js", "plain-page.js"]) copyFileSync(bundlePath(script), join(folder, script));
  const page = fileURLToPath(new URL("../clients/plain-page.html", import.meta.url));
  copyFileSync(page, join(folder, "plain-page.html"));
  return folder;
}

/** `instead`: the file that takes the place of the one of this name, if any. */
function copyOfSite(instead: (name: string) => string | null): string {
  mkdirSync(SCRATCH, { recursive: true });
  const folder = mkdtempSync(join(SCRATCH, "site-"));
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(folder, from.slice(DIST.length));
    mkdirSync(join(to, ".."), { recursive: true });
    const other = instead(entry.name);
    if (other) copyFileSync(other, to);
    else linkSync(from, to);
  }
  return folder;
}
