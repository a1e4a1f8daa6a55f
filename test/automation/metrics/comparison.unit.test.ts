import { expect, test } from "vitest";
import { comparePlatform, type PlatformLoad } from "../../../automation/metrics/comparison.ts";
import { known, type PlatformSnapshot, unreadable } from "../../../automation/ports/platform-metrics.ts";
import { snapshot, someInstances, someResources } from "../../support/platform-snapshot.ts";

const dark = (requests: number) => known({ requests, errors: 0, errorsByClass: { application: 0, gateway: 0 } });
const at = (seconds: number, ready: number, starting = 0, more: Partial<PlatformSnapshot> = {}): PlatformSnapshot =>
  snapshot({
    at: seconds * 1_000,
    instances: known({ ...someInstances, ready, starting: known(starting) }),
    resources: known({ ...someResources, cores: known(ready / 10) }),
    ...more,
  });

/** 1,000 requests in 10 s, with one instance, then two, then three. */
const input: PlatformLoad = {
  platform: "gke",
  load: {
    sent: 1_000,
    ended: 1_000,
    failed: 100,
    clientFailed: 0,
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    durationMs: 10_000,
  },
  before: at(0, 1, 0, { darkRequests: dark(7) }),
  during: [at(4, 1, 1), at(8, 3)],
  after: at(10, 3, 0, {
    darkRequests: dark(1_007),
    scaling: known([
      { at: -5, from: 1, to: 2, reason: "before it" },
      { at: 4_000, from: 1, to: 3, reason: "demand" },
    ]),
  }),
  hourly: (instances) => ({ usd: 0.1 + instances * 0.05, confidence: "quoted" }),
};

test("instances are meant over time, cost is the hour's price over an hour's requests", () => {
  const result = comparePlatform(input);
  // 4 s of one, 4 s of two, 2 s of three.
  expect(result.instances).toEqual(known({ mean: 1.8, most: 3 }));
  expect(result.throughput).toBe(90);
  expect(result.cores).toEqual(known(0.3));
  expect(result.scalingEvents).toEqual(known(1));
  // 0.1 + 1.8 x 0.05 = 0.19 USD an hour; 360,000 requests an hour: 0.5278 USD a million.
  if (result.costPerMillion.kind !== "value") throw new Error("no cost");
  expect(result.costPerMillion.value.usd).toBeCloseTo((0.19 / 360_000) * 1e6, 10);
});

test("the balancer's count is held against the load generator's", () => {
  expect(comparePlatform(input).counted).toEqual(known({ requests: 1_000, errors: 0, equal: true }));
  const fewer = { ...input, after: { ...input.after, darkRequests: dark(1_006) } };
  expect(comparePlatform(fewer).counted).toEqual(known({ requests: 999, errors: 0, equal: false }));
});

test("what cannot be read stays unreadable: no instances, no price, no requests", () => {
  const none = unreadable("down");
  const blind = {
    ...input,
    before: { ...input.before, instances: none },
    during: [],
    after: { ...input.after, instances: none, darkRequests: none },
  };
  expect(comparePlatform(blind)).toMatchObject({ instances: none, costPerMillion: none, counted: none });
  expect(comparePlatform({ ...input, hourly: () => undefined }).costPerMillion.kind).toBe("unreadable");
  expect(comparePlatform({ ...input, load: { ...input.load, ended: 0 } }).costPerMillion.kind).toBe("absent");
});
