import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{core,models,engine,logs-export,sw,web,cli}/**/*.test.ts", "tests/{node,clients}/**/*.test.ts"],
    testTimeout: 90_000,
  },
});
