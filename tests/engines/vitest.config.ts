import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Real browsers: few at a time, and with patience. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["tests/engines/**/*.test.ts"],
    globalSetup: "tests/engines/global-setup.ts",
    testTimeout: 90_000,
    hookTimeout: 90_000,
    maxWorkers: 3, // one of the three only waits
  },
});
