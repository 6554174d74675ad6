import { defineConfig } from "playwright/test";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results/browser",
  globalSetup: "./global-setup.ts",
  workers: 2,
  forbidOnly: true,
  // Against hangs, not against slow machines.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  use: { launchOptions: { executablePath: findChromium(), args: QUIET_FLAGS } },
});
