import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Load } from "../../../automation/cli/demo/load.ts";
import { until } from "../../local/daemon/daemon-process.ts";
import { type CliCheckout, type CliProcess, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// A swap with approval and a rollback window, steered from other processes. In order: each goes on where the last ended.

const swapSettings = {
  profile: "demo",
  ramp: [50, 100],
  approvals: [100],
  rollback_window: 600,
  drain_timeout: 20,
  // Said, not simulated: with a small budget it makes the steps expensive for the plan.
  propagation: 2,
  error_budget: 20,
};

let cli: CliCheckout;
let load: Load | undefined;
let swap: CliProcess;

/** The load takes several instances, more than Cloud Run keeps by itself. */
const platforms = { "cloud-run": { auto_scale_config: { concurrency: 8 } } };

function configure(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const environments = { local: { cloud: "local", platforms, swap: { ...swapSettings, ...more } } };
  return writeFile(join(cli.root, "switchyard.yaml"), JSON.stringify({ environments }));
}

beforeAll(async () => {
  cli = await openCliCheckout();
  await configure();
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "traffic.local");
  const { url, host } = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
  load = await Load.start({ root: checkout, url, host, rate: 60, seed: 1 });
});
afterAll(async () => {
  load?.kill();
  await cli.close();
});

const snapshots = z.object({
  platforms: z.array(
    z.object({ platform: z.string(), instances: z.object({ value: z.object({ ready: z.number() }).optional() }) }),
  ),
});

/** As `metrics` counts them. */
async function readyInstances(platform: string): Promise<number> {
  const { platforms: read } = snapshots.parse(await cli.result("metrics"));
  return read.find((one) => one.platform === platform)?.instances.value?.ready ?? 0;
}

/** What the stack's own file says. */
async function heldOf(platform: string): Promise<number> {
  const text = await readFile(join(cli.root, `Pulumi.${platform}.local.yaml`), "utf8");
  return Number(/switchyard:heldInstances: "?(\d+)/.exec(text)?.[1]);
}

const swapSettingsWithCapacity = z.object({ capacity: z.object({ old: z.number(), candidate: z.number() }) });

async function journalOf(id: string): Promise<readonly unknown[]> {
  const text = await readFile(join(cli.root, ".switchyard/environments/local/swaps", id, "journal.jsonl"), "utf8");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}

const status = z.object({
  id: z.string(),
  state: z.string(),
  phase: z.string(),
  waitsForApproval: z.number().optional(),
  rollbackWindowEndsAt: z.string().optional(),
});

/** Until `swap status` says so. */
function swapIs(what: string, condition: (seen: z.infer<typeof status>) => boolean) {
  return until(
    what,
    async () => {
      const seen = status.parse(await cli.result("swap", "status"));
      return condition(seen) ? seen : undefined;
    },
    90_000,
  );
}

const planWithLoad = z.object({
  requestsPerSecond: z.number(),
  loadFrom: z.literal("measured"),
  propagationFrom: z.literal("configured"),
  expectedMs: z.number(),
  steps: z.array(z.object({ percent: z.number(), overBudget: z.boolean(), approval: z.boolean() })),
});

describe("before a swap starts", () => {
  test("the plan has the measured load, and marks the steps that could lose too much", async () => {
    // The router counts what has ended, and Cloud Run's first requests wait for its first instances.
    const plan = await until(
      "the load has arrived",
      async () => {
        const seen = planWithLoad.parse(await cli.result("swap", "plan", "--to", "gke"));
        return seen.requestsPerSecond > 30 ? seen : undefined;
      },
      60_000,
    );
    expect(plan.requestsPerSecond).toBeLessThan(120);
    expect(plan.steps.map(({ percent, approval }) => [percent, approval])).toEqual([
      [50, false],
      [100, true],
    ]);
    expect(plan.steps[0]?.overBudget).toBe(true);
  });

  test("it is refused over the error budget, with the command that starts it all the same, and leaves nothing", async () => {
    const error = await cli.failure("swap", "start", "--to", "gke");
    expect(error).toMatchObject({ code: "swap-over-budget", exitCode: 5 });
    expect(error.next.join("\n")).toContain("npx switchyard swap start --to gke --env local --allow-over-budget");
    expect(await cli.failure("swap", "status")).toMatchObject({ code: "no-swap" });
  });

  test("it is refused in a freeze window; the plan says so, and is not", async () => {
    const hourMs = 3_600_000;
    const instant = (ms: number): string => new Date(Date.now() + ms).toISOString();
    await configure({ freeze: [{ name: "sale", from: instant(-hourMs), to: instant(hourMs) }] });
    expect(await cli.failure("swap", "start", "--to", "gke", "--allow-over-budget")).toMatchObject({
      code: "swap-frozen",
      message: expect.stringContaining('"sale"'),
    });
    expect(await cli.result("swap", "plan", "--to", "gke", "--rps", "1")).toMatchObject({ frozen: { name: "sale" } });
    await configure();
  });

  test("a ramp without the step that waits for approval is refused", async () => {
    expect(
      await cli.failure("swap", "start", "--to", "gke", "--ramp", "50,60,100", "--profile", "demo", "--rps", "99"),
    ).toMatchObject({
      code: "swap-over-budget",
    });
    await configure({ approvals: [50] });
    expect(await cli.failure("swap", "plan", "--to", "gke", "--ramp", "10,100")).toMatchObject({
      code: "usage-error",
      message: expect.stringContaining("swap.approvals.0: is no step of the ramp (10, 100)"),
    });
    await configure();
  });
});

describe("a swap with approval and a rollback window", () => {
  let before: number;

  test("waits for the person, and refuses what is not its turn", async () => {
    before = await until("Cloud Run has scaled", async () => {
      const ready = await readyInstances("cloud-run");
      return ready >= 3 ? ready : undefined;
    });
    swap = cli.start(["swap", "start", "--to", "gke", "--allow-over-budget"]);
    await swap.says("Swap 1: cloud-run -> gke");
    const waiting = await swapIs("the last step waits", ({ waitsForApproval }) => waitsForApproval === 100);
    expect(waiting).toMatchObject({ state: "paused", phase: "shifting" });
    expect((await cli.run(["swap", "status"])).stdout).toContain(
      "Approval   the step of 100 % begins with:   npx switchyard swap promote --env local",
    );
    expect(await cli.failure("swap", "extend-bake", "--by", "30m")).toMatchObject({ code: "swap-not-baking" });
    expect(await cli.failure("swap", "decommission", "--yes")).toMatchObject({ code: "swap-no-rollback-window" });
    expect(await cli.failure("swap", "extend-bake", "--by", "30")).toMatchObject({ code: "usage-error" });
  });

  test("holds the old side at its instances, and has brought the new one up with as many", async () => {
    const [started] = z.array(z.object({ event: z.looseObject({ kind: z.string() }) })).parse(await journalOf("1"));
    const { capacity: held } = swapSettingsWithCapacity.parse(started?.event["settings"]);
    expect(held.old).toBeGreaterThanOrEqual(3);
    expect(held.candidate).toBe(held.old);
    expect(before).toBeGreaterThanOrEqual(3);
    expect(await readyInstances("gke")).toBeGreaterThanOrEqual(held.candidate);
    expect(await readyInstances("cloud-run")).toBeGreaterThanOrEqual(held.old);
    expect(await heldOf("cloud-run")).toBe(held.old);
    const why = await cli.run(["swap", "why", "1"]);
    expect(why.stdout).toContain("the old side keeps the instances that a rollback would need");
  });

  test("goes on when promoted, keeps the old side in the window, and longer when asked", async () => {
    await cli.result("swap", "promote");
    const first = await swapIs("the rollback window", ({ phase }) => phase === "retaining");
    await cli.result("swap", "extend-bake", "--by", "30m");
    const longer = status.parse(await cli.result("swap", "status"));
    const end = (seen: typeof first): number => Date.parse(seen.rollbackWindowEndsAt ?? "");
    expect(end(longer) - end(first)).toBe(1_800_000);
    expect(await cli.failure("swap", "promote")).toMatchObject({ code: "swap-not-promotable" });
    expect(await cli.failure("swap", "promote", "--full")).toMatchObject({ code: "swap-not-promotable" });
    expect(await cli.failure("swap", "retry")).toMatchObject({ code: "swap-not-retryable" });
  });

  test("takes the old side away when told so by name", async () => {
    expect(await cli.failure("swap", "decommission")).toMatchObject({
      code: "usage-error",
      message: expect.stringContaining("remove cloud-run of local"),
    });
    await cli.result("swap", "decommission", "--yes");
    const ended = await swap.ended;
    expect(ended.code, told(ended)).toBe(0);
    expect(ended.stdout).toMatch(/^Swap 1 of local: cloud-run -> gke, completed \(ended\)\.$/m);
    expect(await cli.result("swap", "history")).toMatchObject({
      swaps: [{ id: "1", mode: "swap", state: "completed", endedAt: expect.stringMatching(/^20/) }],
    });
    expect(await cli.failure("swap", "retry")).toMatchObject({
      code: "swap-not-retryable",
      message: expect.stringContaining("Swap 1 was completed"),
    });
    expect(await heldOf("gke"), "gke is its autoscaler's again").toBe(0);
    const why = await cli.run(["swap", "why", "1", "--step", "1"]);
    expect(why.stdout).toContain("paused, because the next step waits for a person.");
    expect(why.stdout).toContain("requests on the candidate");
  });
});

describe("a swap that was ended", () => {
  test("is tried again with retry; promoted in full it keeps the bake and the window", async () => {
    // No step follows the first one by itself, however late the wishes come.
    await configure({ ramp: [20, 100], approvals: [20], bake: 1 });
    const first = cli.start(["swap", "start", "--to", "cloud-run", "--ramp", "10,20,100", "--allow-over-budget"]);
    await first.says("Swap 2: gke -> cloud-run");
    await swapIs("it shifts", ({ id, phase }) => id === "2" && phase === "shifting");
    await cli.result("swap", "abort");
    expect((await first.ended).code).toBe(1);

    const again = cli.start(["swap", "retry", "--allow-over-budget"]);
    await again.says("Swap 3: gke -> cloud-run");
    await swapIs("it shifts again", ({ id, phase }) => id === "3" && phase === "shifting");
    const full = await cli.run(["swap", "promote", "--full"]);
    expect(full.code, told(full)).toBe(0);
    expect(full.stderr).toContain("Kept: acceptance, verification of the weight, the stop gate, the bake.");
    await swapIs("the rollback window", ({ phase }) => phase === "retaining");
    const why = z
      .object({ decisions: z.array(z.object({ outcome: z.string(), reason: z.string() })) })
      .parse(await cli.result("swap", "why"));
    const outcomes = why.decisions.map(({ outcome }) => outcome);
    // The ramp is that of the swap that was tried again, and its second step was left out.
    expect(outcomes).toContain("step 1 of 3, 10 %");
    expect(outcomes).not.toContain("step 2 of 3, 20 %");
    expect(outcomes).toContain("the data plane follows 100 %");
    expect(outcomes).toContain("baking");

    // Within the window going back needs no start.
    await cli.result("swap", "rollback");
    expect((await again.ended).code).toBe(1);
    expect(await cli.result("swap", "status")).toMatchObject({ id: "3", state: "rolled-back" });
  });
});
