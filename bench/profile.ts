import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright";
import { findChromium, QUIET_FLAGS } from "../tests/find-chromium.ts";

/**
 * An empty profile on the disk, as people have. Those of `newContext()` are private windows, whose private file system
 * is in the memory of another process: each write and each read is sent there.
 */
export async function withProfile<T>(use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "minivault-bench-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: findChromium(),
    args: QUIET_FLAGS,
  });
  try {
    return await use(context);
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
