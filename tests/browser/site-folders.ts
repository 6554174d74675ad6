import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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

/** The built app again with the fake worker, or not, to `deploy` versions to. */
export const withVersions = (fakeEngine: boolean): string => (fakeEngine ? withFakeWorker() : copyOfSite(() => null));

/**
 * Puts another version in the place of what a site's folder holds: the same app, but for a mark on its page.
 * `broken`: its script throws at once.
 */
export function deploy(folder: string, version: string, { broken = false } = {}): void {
  const built = (name: string) => readFileSync(join(DIST, name), "utf8");
  const mark = (html: string) => html.replace("<html", `<html data-version="${version}"`);
  const files = {
    "index.html": mark(built("index.html")),
    "docs.html": mark(built("docs.html")),
    "sw.js": built("sw.js")
      .replace(/"revision":"\w+","url":"(index|docs)\.html"/g, `"revision":"${version}","url":"$1.html"`)
      .concat(
        `addEventListener("message", ({data, ports}) => data === "version" && ports[0].postMessage("${version}"));`,
      ),
  };
  if (broken) {
    const script = `assets/broken-${version}.js`;
    writeFileSync(join(folder, script), 'throw new Error("This version is broken.");');
    for (const name of ["index.html", "sw.js"] as const) {
      files[name] = files[name].replace(/assets\/index-[\w-]+\.js/, script);
    }
  }
  for (const [name, content] of Object.entries(files)) {
    rmSync(join(folder, name)); // it is a link to the built one
    writeFileSync(join(folder, name), content);
  }
}

/** The built app again, its files linked. `instead`: the file that takes the place of the one of this name, if any. */
export function copyOfSite(instead: (name: string) => string | null): string {
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
