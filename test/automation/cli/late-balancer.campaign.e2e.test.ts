import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createHttpProber } from "../../../automation/adapters/http-prober.ts";
import { Load } from "../../../automation/cli/demo/load.ts";
import { until } from "../../local/daemon/daemon-process.ts";
import { type CliCheckout, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// As on Google Cloud: the balancer's workers follow late, each for itself and not in order, and the gates read request logs
// that come late.

let cli: CliCheckout;
let load: Load;

beforeAll(async () => {
  cli = await openCliCheckout();
  await writeFile(
    join(cli.root, "switchyard.yaml"),
    `local_cloud:
  propagation_delay: 1
  propagation_spread: 2
  propagation_in_order: false
  router_workers: 3
  log_delay: 2
environments:
  local:
    cloud: local
    request_feed: logs
    swap: { profile: demo, ramp: [10, 50, 100] }
`,
  );
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "traffic.local");
  const where = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
  // A new balancer follows its first map as late.
  const prober = createHttpProber({ baseUrl: where.url, host: where.host, perSecond: 200 });
  // Out of order means that a worker falls back for a moment: it has to have served longer than that takes.
  let goodSince = performance.now();
  await until("the balancer serves everywhere", async () => {
    const all = (await prober.sample(60)).every(({ status }) => status === 200);
    if (!all) goodSince = performance.now();
    return performance.now() - goodSince > 4_000;
  });
  await prober.close();
  load = await Load.start({ root: checkout, ...where, rate: 60, seed: 3 });
});
afterAll(async () => {
  load?.kill();
  await cli.close();
});

test("a swap goes through, and a bad image is found and rolled back, with no request failed by a swap", async () => {
  const good = await cli.run(["swap", "start", "--to", "gke", "--json"]);
  expect(good.code, told(good)).toBe(0);
  const why = await cli.run(["swap", "why", "1"]);
  expect(why.stdout).toMatch(/Looked at: .*\blogs?\b/i);
  const bad = join(checkout, "test/fixtures/images/kiro-failing");
  const rolledBack = await cli.run(["swap", "start", "--to", "cloud-run", "--image", bad, "--json"]);
  expect(rolledBack.code, told(rolledBack)).toBe(1);
  expect(JSON.parse(rolledBack.stdout)).toMatchObject({
    error: { code: "swap-failed", data: { swap: { state: "rolled-back", reason: "candidate-errors" } } },
  });
  expect(await cli.result("traffic", "show")).toMatchObject({ weights: { gke: 100 } });
  const summary = await load.stop();
  expect(summary.failures.swap, JSON.stringify(summary.failureList.slice(0, 5))).toBe(0);
  expect(summary.sent).toBeGreaterThan(1_000);
});
