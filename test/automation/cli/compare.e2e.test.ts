import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Load } from "../../../automation/cli/demo/load.ts";
import { type CliCheckout, checkout, openCliCheckout } from "../../support/cli.ts";

// Both platforms up at once: the model's counts are the load generator's own, by the weights and by the dark route.

let cli: CliCheckout;
let users: Load | undefined;

beforeAll(async () => {
  cli = await openCliCheckout();
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "gke.local");
  await cli.result("up", "traffic.local");
});
afterAll(async () => {
  users?.kill();
  await cli.close();
});

const count = z.number();
const compared = z.object({
  platforms: z.array(
    z.object({
      platform: z.string(),
      load: z.object({ sent: count, ended: count, failed: count, latencyMs: z.object({ p50: count, p95: count }) }),
      throughput: count,
      instances: z.object({ value: z.object({ mean: count, most: count }) }),
      costPerMillion: z.object({ value: z.object({ usd: count }) }),
      counted: z.object({ value: z.object({ requests: count, errors: count, equal: z.boolean() }) }),
    }),
  ),
  missing: z.record(z.string(), z.string()),
});
const requests = z.object({ value: z.object({ requests: count, errors: count }) });
const measured = z.object({
  platforms: z.array(
    z.object({
      platform: z.string(),
      requests,
      darkRequests: requests,
      latency: z.object({ value: z.object({ count }) }),
    }),
  ),
});

test("compare sends the same load to both platforms, moves no weight, and metrics has counted what was sent", async () => {
  const { url, host, weights } = z
    .object({ url: z.string(), host: z.string(), weights: z.record(z.string(), count) })
    .parse(await cli.result("traffic", "show"));
  users = await Load.start({ root: checkout, url, host, rate: 20, seed: 7 });

  const { platforms, missing } = compared.parse(await cli.result("compare", "--rate", "40", "--duration", "2s"));
  const before = await cli.result("traffic", "show");
  const own = await users.stop();
  users = undefined;

  expect(missing).toEqual({});
  expect(platforms.map(({ platform }) => platform).toSorted()).toEqual(["cloud-run", "gke"]);
  // From one seed: the same requests to each.
  expect(new Set(platforms.map(({ load }) => load.sent)).size).toBe(1);
  for (const { platform, load, counted, instances, throughput, costPerMillion } of platforms) {
    expect(load.sent, platform).toBeGreaterThan(60);
    expect(load, platform).toMatchObject({ ended: load.sent, failed: 0 });
    expect(counted.value, platform).toEqual({ requests: load.ended, errors: 0, equal: true });
    expect(instances.value.mean, platform).toBeGreaterThan(0);
    expect(throughput, platform).toBeCloseTo(load.ended / 2, 5);
    expect(costPerMillion.value.usd, platform).toBeGreaterThan(0);
  }
  expect(before).toMatchObject({ weights });

  const seen = measured.parse(await cli.result("metrics"));
  for (const { platform, requests, darkRequests, latency } of seen.platforms) {
    const load = own.sides[platform]?.ended ?? 0;
    expect(requests.value.requests, platform).toBe(load);
    expect(latency.value.count, platform).toBe(load);
    const dark = platforms.find((one) => one.platform === platform)?.load.ended ?? 0;
    // Beside the load there was the one question whether the platform is there.
    expect(darkRequests.value.requests, platform).toBe(dark + 1);
  }
  expect(own.ended).toBeGreaterThan(100);
});

test("both platforms are healthy, each by its four checks", async () => {
  const { verdict, platforms } = z
    .object({
      verdict: z.string(),
      platforms: z.array(
        z.object({ platform: z.string(), checks: z.array(z.object({ check: z.string(), verdict: z.string() })) }),
      ),
    })
    .parse(await cli.result("health"));
  expect(verdict).toBe("healthy");
  expect(platforms.map(({ platform }) => platform).toSorted()).toEqual(["cloud-run", "gke"]);
  for (const { checks } of platforms) {
    expect(checks.map(({ check }) => check)).toEqual(["endpoint", "response-time", "resources", "platform"]);
  }
});

test("Prometheus' text is printed as it is", async () => {
  const text = (await cli.run(["metrics", "--prometheus"])).stdout;
  expect(text).toMatch(/^switchyard_instances\{environment="local",platform="gke",state="ready"\} 2$/m);
  expect(text).toMatch(/^switchyard_request_duration_seconds_count\{environment="local",platform="cloud-run"\} \d+$/m);
});
