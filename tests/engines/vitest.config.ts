import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Real browsers: few at a time, and with patience. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["tests/engines/**/*.test.ts"],
    globalSetup: "tests/engines/global-setup.ts",
    // Against hangs, not against slow machines.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 3, // one of the three only waits
  },
});
