import { defineConfig } from "vitest/config";

/** Measurements rather than tests: a lane of their own, as they take minutes and a quiet machine. */
export default defineConfig({
  test: {
    include: ["figures/**/*.test.ts"],
    environment: "node",
    globalSetup: "e2e/server.ts",
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 400_000,
  },
});
