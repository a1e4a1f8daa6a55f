import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { until } from "../../local/daemon/daemon-process.ts";
import { type CliCheckout, openCliCheckout, parseEnvelope, processesOf, describe as told } from "../../support/cli.ts";
import { problemsOfHtml } from "../../support/html.ts";

// Demos in one checkout, in order: one that is killed, one that is stopped, one that runs to its end.

let cli: CliCheckout;
beforeAll(async () => {
  cli = await openCliCheckout();
});
afterAll(() => cli.close());

const latency = z.object({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() });
const demoResult = z.strictObject({
  swap: z.strictObject({
    id: z.string(),
    state: z.literal("completed"),
    steps: z.array(z.number()),
    timings: z.record(z.string(), z.number()),
  }),
  rollback: z.strictObject({
    id: z.string(),
    state: z.literal("rolled-back"),
    detectMs: z.number(),
    rollbackMs: z.number(),
    reason: z.string(),
  }),
  requests: z.strictObject({
    sent: z.number(),
    failed: z.number(),
    swapCaused: z.literal(0),
    candidateCaused: z.number(),
  }),
  latencyMs: z.record(z.string(), latency),
  profile: z.literal("demo"),
  report: z.string(),
});

/** Everything in the checkout that is not a link to the sources. */
async function leftBehind(): Promise<readonly string[]> {
  const own = (await readdir(cli.root, { withFileTypes: true })).filter((entry) => !entry.isSymbolicLink());
  const state = await readdir(join(cli.root, ".switchyard"));
  return [...own.map(({ name }) => name), ...state.map((name) => `.switchyard/${name}`)].toSorted();
}

/** Nothing runs any more. Errors: what still does, after 10 s. */
async function allGone(): Promise<void> {
  let running: readonly string[] = [];
  const gone = async () => {
    running = await processesOf(cli.root);
    return running.length === 0;
  };
  await until("everything of the demo is gone", gone, 10_000).catch((error: unknown) => {
    throw new Error(`still running:\n${running.join("\n")}`, { cause: error });
  });
}

describe.runIf(process.platform === "linux")("a demo that does not come to its end", () => {
  test("killed in the middle of an engine operation, it takes everything with it within 10 s", async () => {
    const demo = cli.start(["demo", "--rate", "60"]);
    await demo.says(/Act 1[\s\S]*verdict/, 60_000);
    const names = await until("the engine works", async () => {
      const running = await processesOf(cli.root);
      return running.some((name) => name.includes("pulumi ")) && running;
    });
    for (const part of ["switchyard.js demo", "local/daemon/main.ts", "load-generator/main.ts", "main.ts", "pulumi "]) {
      expect(
        names.some((name) => name.includes(part)),
        `${part} in\n${names.join("\n")}`,
      ).toBe(true);
    }
    demo.kill("SIGKILL");
    expect(await demo.ended).toMatchObject({ signal: "SIGKILL" });
    await allGone();
  }, 60_000);

  test("Ctrl-C ends the next one, which began cleanly: exit code 8, nothing left but journals and images", async () => {
    const demo = cli.start(["demo", "--rate", "60"]);
    await demo.says(/^deploy .*is up/m, 60_000);
    demo.kill("SIGINT");
    const ended = await demo.ended;
    expect(ended.code, told(ended)).toBe(8);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toContain("Ctrl-C: stopping safely; once more stops at once.");
    expect(ended.stderr).toMatch(/\nError: cancelled\n/);
    await allGone();
    expect(await leftBehind()).toEqual([
      ".switchyard",
      ".switchyard/audit",
      ".switchyard/environments",
      ".switchyard/images",
      ".switchyard/pulumi",
      "bin",
      "home",
    ]);
    expect((await cli.run(["doctor"])).stdout).toMatch(/^ok +open swaps +none that nobody drives$/m);
  }, 60_000);
});

test("a demo does not come between when the local cloud runs", async () => {
  await cli.result("up", "cloud-run.local");
  expect(await cli.failure("demo")).toMatchObject({ code: "environment-in-use", exitCode: 4 });
  await cli.result("local", "stop");
});

test("shows a swap that passes and one that is rolled back, and leaves the report and the journals", async () => {
  const ended = await cli.run(["demo", "--json"]);
  expect(ended.code, told(ended)).toBe(0);
  const said = parseEnvelope(ended.stdout);
  if (said.status !== "ok") throw new Error(told(ended));
  const result = demoResult.parse(said.result);
  expect(result.swap.steps).toEqual([1, 5, 25, 50, 100]);
  expect(Object.keys(result.swap.timings)).toEqual(expect.arrayContaining(["deploying", "shifting-1", "baking"]));
  expect(result.requests.sent).toBeGreaterThan(4_000);
  expect(result.requests.failed).toBe(result.requests.candidateCaused);
  expect(result.requests.candidateCaused).toBeGreaterThan(0);
  expect(Object.keys(result.latencyMs)).toEqual(expect.arrayContaining(["cloud-run", "gke"]));

  // Line by line for people, without control codes where it is no terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
  expect(ended.stderr).not.toMatch(/[\u001b\r]/);
  expect(ended.stderr).toContain("gate profile demo");
  expect(ended.stderr).toMatch(/^Swap-caused failures +0 of [\d,]+$/m);

  const page = await readFile(join(cli.root, result.report), "utf8");
  expect(problemsOfHtml(page)).toEqual([]);
  expect(page).not.toMatch(/<(script|link|iframe|img)\b|<[^>]*\s(src|href)=/i);
  expect(page).toContain("No request failed because of a swap");

  if (process.platform === "linux") await allGone();
  expect(await leftBehind()).toEqual([
    ".switchyard",
    ".switchyard/audit",
    ".switchyard/environments",
    ".switchyard/images",
    ".switchyard/local",
    ".switchyard/pulumi",
    ".switchyard/reports",
    "Pulumi.cloud-run.local.yaml",
    "bin",
    "home",
  ]);
  // What the user had is back: the stack, and what it declares.
  expect(await cli.result("stacks")).toMatchObject({ stacks: [{ stack: "cloud-run.local", resources: 6 }] });
  expect(await cli.result("local", "start")).toMatchObject({ instances: [{ platform: "cloud-run" }], listeners: [] });
  const [history, why] = await Promise.all([
    cli.result("swap", "history"),
    cli.run(["swap", "why", result.rollback.id]),
  ]);
  expect(history["swaps"]).toMatchObject([{ state: "rolled-back" }, { state: "completed" }]);
  expect(why.stdout).toContain("rolled-back");
});
