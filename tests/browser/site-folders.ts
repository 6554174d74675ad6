import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePath } from "./bundle.ts";

/** The built app. */
export const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const SCRATCH = fileURLToPath(new URL("../../test-results", import.meta.url));

/** The built app again, its files linked, only the engine's worker is another. */
export function withFakeWorker(): string {
  mkdirSync(SCRATCH, { recursive: true });
  const folder = mkdtempSync(join(SCRATCH, "site-"));
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(folder, from.slice(DIST.length));
    mkdirSync(join(to, ".."), { recursive: true });
    if (/^worker-.*\.js$/.test(entry.name)) copyFileSync(bundlePath("fake-worker.js"), to);
    else linkSync(from, to);
  }
  return folder;
}
