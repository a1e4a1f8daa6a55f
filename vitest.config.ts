import { homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Processes that tests start keep their compiled sources, as `bin/switchyard.js` does. */
const compiled = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard", "compiled");

const setupFiles = ["test/support/light-pulumi-setup.ts"];
/** Real processes and Pulumi's engine, which is made once before. */
const endToEnd = {
  globalSetup: ["test/support/ensure-engine.ts"],
  setupFiles,
  env: { NODE_COMPILE_CACHE: compiled },
  testTimeout: 240_000,
  hookTimeout: 240_000,
};
/** Those that take a minute or more and whose ground the drill or other tests also cover: `npm run test:campaigns`. */
const campaigns = "test/**/*.campaign.{unit,e2e}.test.ts";
/** Those that put others in the place of modules, or look at what is loaded: a process each. */
const alone = "test/**/*.alone.unit.test.ts";

export default defineConfig({
  test: {
    // For two cores, on larger machines too.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.{unit,contract}.test.ts"],
          exclude: [campaigns, alone],
          // To load the same modules again for each of three hundred files takes as long as all their tests.
          isolate: false,
          setupFiles,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { name: "unit-alone", include: [alone], testTimeout: 20_000, sequence: { groupOrder: 1 } },
      },
      {
        test: {
          name: "e2e",
          include: ["test/**/*.e2e.test.ts"],
          exclude: [campaigns],
          ...endToEnd,
          // They wait more than they work.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: { name: "campaign", include: [campaigns], ...endToEnd, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
