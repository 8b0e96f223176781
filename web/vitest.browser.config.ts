import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** `pages` first, since it makes the first account; then by name. */
class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => (moduleId.endsWith("/pages.test.ts") ? "" : moduleId);
    return Promise.resolve([...files].sort((one, other) => place(one).localeCompare(place(other))));
  }
}

export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    globalSetup: "e2e/server.ts",
    // One installation serves all files.
    fileParallelism: false,
    sequence: { shuffle: false, sequencer: InOrder },
    testTimeout: 400_000,
    hookTimeout: 400_000,
  },
});
