import { homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Processes that tests start keep their compiled sources, as `bin/switchyard.js` does. */
const compiled = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard", "compiled");

export default defineConfig({
  test: {
    // The end-to-end tests wait more than they work: two files at a time suit two cores, on larger machines too.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.{unit,contract}.test.ts"],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/**/*.e2e.test.ts"],
          globalSetup: ["test/support/ensure-engine.ts"],
          env: { NODE_COMPILE_CACHE: compiled },
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
