import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Trains a model, so it is apart from the quick tests. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["tests/recipe/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
