import { defineConfig } from "vitest/config";

/** Takes the pictures of the guide: no test of anything but that every page can be shown. */
export default defineConfig({
  test: {
    include: ["pictures/**/*.test.ts"],
    environment: "node",
    globalSetup: "e2e/server.ts",
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 400_000,
  },
});
