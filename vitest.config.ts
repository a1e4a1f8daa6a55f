import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.{unit,contract,e2e}.test.ts"],
    // Engine, daemon and load share two cores: e2e files run one after another, unit files side by side.
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["test/**/*.{unit,contract}.test.ts"], testTimeout: 20_000 },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.e2e.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
