import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Chosen,
  type Exclusion,
  type Impossible,
  type SelectionQuestion,
  selectPlatform,
} from "../../../automation/selection/select.ts";
import { selectionConfig } from "../../../automation/selection/settings.ts";

interface Asked extends Partial<Omit<SelectionQuestion, "settings">> {
  readonly settings?: Readonly<Record<string, unknown>>;
}

function select({ settings = {}, ...more }: Asked = {}): Chosen | Impossible {
  const size = { vcpus: 1, gib: 1 };
  return selectPlatform({
    environment: "dev",
    region: "us-central1",
    settings: selectionConfig.parse(settings),
    platforms: { "cloud-run": size, gke: size },
    cpuAlwaysOnCloudRun: false,
    serving: undefined,
    cost: undefined,
    ...more,
  });
}

const chosen = (asked?: Asked) => {
  const selection = select(asked);
  if (selection.kind === "impossible") throw new Error(JSON.stringify(selection.ruledOut));
  return selection;
};
const rules = (ruledOut: readonly Exclusion[]) => ruledOut.map(({ platform, rule }) => `${platform}: ${rule}`);
const requires = (what: Readonly<Record<string, unknown>>) => ({ requires: what });

describe("the choice by environment", () => {
  it.each([
    ["dev", "cloud-run", "environment-dev"],
    ["local", "cloud-run", "environment-dev"],
    ["preview-17", "cloud-run", "environment-dev"],
    ["prod", "gke", "environment-prod"],
    ["production-eu", "gke", "environment-prod"],
    ["staging", "gke", "environment-prod"],
    ["team-a", "cloud-run", "environment-other"],
    ["producer", "cloud-run", "environment-other"],
  ])("%s belongs on %s (%s)", (environment, platform, rule) => {
    expect(chosen({ environment })).toMatchObject({ platform, rule, ruledOut: [], possible: ["cloud-run", "gke"] });
  });

  it("is overridden by a platform that switchyard.yaml names", () => {
    expect(chosen({ environment: "prod", settings: { platform: "cloud-run" } })).toMatchObject({
      platform: "cloud-run",
      rule: "fixed",
    });
  });
});

describe("what rules a platform out", () => {
  it.each([
    ["longest_request", { longest_request: 3_601 }, "cloud-run: longest-request", "gke"],
    ["private_network", { private_network: true }, "cloud-run: private-network", "gke"],
    ["cpu_outside_requests", { cpu_outside_requests: true }, "cloud-run: cpu-outside-requests", "gke"],
    ["scale_to_zero", { scale_to_zero: true }, "gke: scale-to-zero", "cloud-run"],
    ["min_instances", { min_instances: 2 }, "cloud-run: min-instances", "gke"],
    ["GPUs", { gpu: 2 }, "cloud-run: gpu-count", "gke"],
  ])("%s", (_, what, rule, platform) => {
    const selection = chosen({ environment: platform === "gke" ? "dev" : "prod", settings: requires(what) });
    expect(rules(selection.ruledOut)).toContain(rule);
    expect(selection).toMatchObject({ platform, rule: "only-possible", possible: [platform] });
  });

  it("is not what a platform just can do", () => {
    const limits = {
      longest_request: 3_600,
      websocket: true,
      streaming: true,
      min_instances: 1,
      regions: ["us-central1"],
    };
    expect(chosen({ settings: requires(limits) }).ruledOut).toEqual([]);
    expect(chosen({ settings: requires({ cpu_outside_requests: true }), cpuAlwaysOnCloudRun: true }).ruledOut).toEqual(
      [],
    );
  });

  it("is a GPU in a region or on an instance that has none, with the values", () => {
    const { ruledOut } = chosen({ region: "europe-west6", settings: requires({ gpu: 1 }) });
    expect(ruledOut).toEqual([
      { platform: "cloud-run", rule: "gpu-size", reason: expect.stringContaining("from 4 vCPU and 16 GiB") },
      { platform: "cloud-run", rule: "gpu-region", reason: expect.stringContaining("europe-west6; there: asia-") },
    ]);
  });

  it("is an instance that is too large, and a platform of which nothing is known", () => {
    const large = { vcpus: 16, gib: 64 };
    expect(rules(chosen({ platforms: { "cloud-run": large, gke: large } }).ruledOut)).toEqual(["cloud-run: size"]);
    expect(rules(chosen({ platforms: { gke: large, moon: large } }).ruledOut)).toEqual(["moon: unknown-platform"]);
  });

  it("leaves nothing where data may not be in the region, and says why of each platform", () => {
    expect(select({ settings: requires({ regions: ["europe-west1", "europe-west4"] }) })).toEqual({
      kind: "impossible",
      fixed: undefined,
      ruledOut: ["cloud-run", "gke"].map((platform) => ({
        platform,
        rule: "region-not-allowed",
        reason:
          "the environment's region is none of requires.regions (us-central1; allowed: europe-west1, europe-west4)",
      })),
    });
  });

  it("is not overridden by naming the platform", () => {
    const settings = { platform: "cloud-run", requires: { private_network: true } };
    expect(select({ settings })).toMatchObject({ kind: "impossible", fixed: "cloud-run" });
  });
});

describe("the choice by cost", () => {
  const byCost = { prefer: "cost" };

  it("is the cheapest of those that are possible", () => {
    const cost = { "cloud-run": 50, gke: 90 };
    expect(chosen({ environment: "prod", settings: byCost, cost })).toMatchObject({
      platform: "cloud-run",
      rule: "cheapest",
      evidence: { "cloud-run USD": 50, "gke USD": 90 },
    });
    const private_ = { ...byCost, requires: { private_network: true } };
    expect(chosen({ settings: private_, cost })).toMatchObject({ platform: "gke", rule: "only-possible" });
  });

  it("keeps the serving platform until another one is cheaper by hysteresis", () => {
    const at = (gke: number) => chosen({ settings: byCost, serving: "cloud-run", cost: { "cloud-run": 100, gke } });
    expect(at(90)).toMatchObject({ platform: "cloud-run", rule: "within-hysteresis" });
    expect(at(89)).toMatchObject({ platform: "gke", rule: "cheapest" });
  });

  it("falls back to the environment where a cost is not known, which is never nothing", () => {
    const known = [undefined, {}, { gke: 90 }, { "cloud-run": 50 }];
    for (const cost of known)
      expect(chosen({ environment: "prod", settings: byCost, cost })).toMatchObject({
        platform: "gke",
        rule: "cost-unknown",
      });
  });

  it("does not flap: costs that waver by less than hysteresis around each other never change the platform", () => {
    const wavering = fc.array(
      fc.tuple(fc.double({ min: 96, max: 104, noNaN: true }), fc.double({ min: 96, max: 104, noNaN: true })),
      {
        minLength: 1,
        maxLength: 50,
      },
    );
    fc.assert(
      fc.property(wavering, fc.constantFrom("cloud-run", "gke"), (months, first) => {
        let serving: string = first;
        for (const [cloudRun, gke] of months)
          serving = chosen({ settings: byCost, serving, cost: { "cloud-run": cloudRun, gke } }).platform;
        expect(serving).toBe(first);
      }),
    );
  });
});

describe("any choice", () => {
  const question = fc.record({
    environment: fc.constantFrom("dev", "prod", "other"),
    region: fc.constantFrom("us-central1", "europe-west6"),
    serving: fc.constantFrom("cloud-run", "gke", undefined),
    cost: fc.option(
      fc.record({
        "cloud-run": fc.double({ min: 0, max: 1e6, noNaN: true }),
        gke: fc.double({ min: 0, max: 1e6, noNaN: true }),
      }),
      { nil: undefined },
    ),
    settings: fc.record({
      prefer: fc.constantFrom("environment", "cost"),
      requires: fc.record({
        gpu: fc.integer({ min: 0, max: 8 }),
        longest_request: fc.integer({ min: 1, max: 604_800 }),
        private_network: fc.boolean(),
        cpu_outside_requests: fc.boolean(),
        min_instances: fc.integer({ min: 0, max: 3 }),
      }),
    }),
  });

  it("is a possible platform, and each platform is either possible or out with a reason", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const selection = select(asked);
        const out = new Set(selection.ruledOut.map(({ platform }) => platform));
        for (const { reason } of selection.ruledOut) expect(reason).not.toBe("");
        if (selection.kind === "impossible") expect(out).toEqual(new Set(["cloud-run", "gke"]));
        else {
          expect(selection.possible).toContain(selection.platform);
          expect(out.has(selection.platform)).toBe(false);
          expect([...out, ...selection.possible].toSorted()).toEqual(["cloud-run", "gke"]);
        }
      }),
    );
  });
});
