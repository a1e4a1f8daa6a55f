import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Load } from "../../../automation/cli/demo/load.ts";
import { type CliCheckout, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// An environment on Cloud Run whose load costs less on GKE, under real load. In order: each goes on where the last ended.

const rate = 60;
const monthSeconds = 730 * 3_600;

const config = (policy: string, usage = ""): string => `
environments:
  local:
    cloud: local
    platforms:
      cloud-run: {cost_threshold: 0.01}
    swap: {profile: demo, ramp: [100], bake: 1}
    cost:
      budget: {policy: ${policy}, min_observation: 4, dwell: 1}
      ${usage}
    selection: {prefer: cost}
`;

let cli: CliCheckout;
let load: Load | undefined;
beforeAll(async () => {
  cli = await openCliCheckout();
  await writeFile(join(cli.root, "switchyard.yaml"), config("propose"));
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "traffic.local");
  const { url, host } = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
  load = await Load.start({ root: checkout, url, host, rate, seed: 5 });
});
afterAll(async () => {
  load?.kill();
  await cli.close();
});

const costs = z.object({
  bills: z.array(
    z.object({
      platform: z.string(),
      variant: z.string(),
      usd: z.object({ low: z.number(), expected: z.number(), high: z.number() }),
    }),
  ),
  usage: z.object({ expected: z.object({ requests: z.number(), durationMs: z.number() }) }),
  observed: z.object({ requests: z.number(), watchedMs: z.number() }),
});

test("cost reckons a month from the requests that it sees", async () => {
  const { bills, usage, observed } = costs.parse(await cli.result("cost", "--observe", "4s"));
  expect(observed.watchedMs).toBe(4_000);
  // As many as are sent: some end later than they began, so a good part more or less.
  expect(observed.requests / (rate * 4)).toBeGreaterThan(0.6);
  expect(observed.requests / (rate * 4)).toBeLessThan(1.4);
  expect(usage.expected.requests).toBeCloseTo((observed.requests / 4) * monthSeconds, -2);
  const of = (variant: string) => bills.find((bill) => bill.variant === variant)?.usd.expected ?? Number.NaN;
  expect(of("request-based")).toBeGreaterThan(of("autopilot"));
  for (const { usd } of bills) {
    expect(usd.low).toBeLessThanOrEqual(usd.expected);
    expect(usd.expected).toBeLessThanOrEqual(usd.high);
  }
});

test("a budget that is passed is proposed with the exact command, and nothing moves", async () => {
  const watch = await cli.run(["cost", "watch", "--once", "--every", "5s"]);
  expect(watch.code, told(watch)).toBe(0);
  expect(watch.stdout).toContain("a swap to gke is proposed");
  expect(watch.stdout).toContain("To do it:   npx switchyard swap start --to gke --env local");
  expect((await cli.result("traffic", "show"))["weights"]).toEqual({ "cloud-run": 100 });
});

test("a veto keeps the automatic policy from moving, until it is lifted; then the swap is started and ends", async () => {
  await writeFile(join(cli.root, "switchyard.yaml"), config("automatic"));
  await cli.result("cost", "veto", "--for", "1h");
  expect(await cli.result("cost", "watch", "--once", "--every", "1s")).toMatchObject({
    moves: 0,
    last: { kind: "vetoed", reason: "veto-person", from: "cloud-run" },
  });
  expect(await cli.result("cost", "veto", "--lift")).toMatchObject({ vetoed: false, before: true });
  const watch = await cli.run(["cost", "watch", "--once", "--every", "1s"]);
  expect(watch.code, told(watch)).toBe(0);
  expect(watch.stdout).toContain("moving to gke");
  expect(watch.stdout).toContain("To undo:   npx switchyard swap start --to cloud-run --env local");
  expect((await cli.result("traffic", "show"))["weights"]).toEqual({ gke: 100 });
  expect(await cli.result("swap", "status")).toMatchObject({ from: "cloud-run", to: "gke", state: "completed" });
});

test("the cheapest platform serves now, so that swap start without --to has nowhere to go", async () => {
  await writeFile(join(cli.root, "switchyard.yaml"), config("off", "usage: {requests: 150000000, duration: 330}"));
  expect(await cli.result("select")).toMatchObject({ platform: "gke", rule: "cheapest", serving: "gke" });
  expect(await cli.failure("cost", "watch", "--once")).toMatchObject({ code: "budget-off" });
  expect(await cli.failure("swap", "start")).toMatchObject({ code: "swap-already-there" });
});
