import { describe, expect, it } from "vitest";
import { doubleRunningCost } from "../../../automation/cost/double-running.ts";
import {
  autopilotRates,
  cloudRunRates,
  cloudRunTiers,
  gkeClusterHour,
  pricesOf,
} from "../../../automation/cost/prices.ts";
import { defaultSizes, gibOf, vcpusOf } from "../../../automation/cost/sizes.ts";
import { parseCpu, parseMemory } from "../../../components/shared/quantity.ts";
import { readCloudRunConfig, readGkeConfig } from "../../../stacks/config.ts";

const stack = {
  values: { "switchyard:image": `kiro@sha256:${"a".repeat(64)}` },
  environment: { GOOGLE_PROJECT: "my-project", GOOGLE_REGION: "us-central1" },
};

describe("the cost of running on both platforms", () => {
  it("is what the prices say: by default one instance on Cloud Run and two pods on GKE, 1 vCPU and 1 GiB each", () => {
    const cost = doubleRunningCost("us-central1", { "cloud-run": {}, gke: {} });
    // 3600 s x (1 vCPU x 0.000024 + 1 GiB x 0.0000025)
    expect(cost?.platforms[0]).toMatchObject({ platform: "cloud-run", instances: 1, vcpus: 1, gib: 1 });
    expect(cost?.platforms[0]?.perHour).toBeCloseTo(0.0954, 10);
    // 0.10 for the cluster + 2 x (1 vCPU x 0.0445 + 1 GiB x 0.0049225)
    expect(cost?.platforms[1]?.perHour).toBeCloseTo(0.198845, 10);
    expect(cost).toMatchObject({
      currency: "USD",
      region: "us-central1",
      pricesOf: "2026-11-20",
      confidence: "quoted",
    });
    expect(cost?.perHour).toBeCloseTo(0.294245, 10);
  });

  it("follows the sizes that switchyard.yaml states", () => {
    const cost = doubleRunningCost("us-central1", {
      "cloud-run": { cpu: "2", memory: "4Gi", instances: 3 },
      gke: { cpu: "500m", memory: "512Mi", instances: 4 },
    });
    // 3 x 3600 x (2 x 0.000024 + 4 x 0.0000025); 0.10 + 4 x (0.5 x 0.0445 + 0.5 x 0.0049225)
    expect(cost?.platforms.map(({ perHour }) => perHour)).toEqual([
      expect.closeTo(0.6264, 10),
      expect.closeTo(0.198845, 10),
    ]);
  });

  it("takes a dearer region's price, and says where none was found", () => {
    expect(doubleRunningCost("europe-west6", { "cloud-run": {} })).toMatchObject({
      perHour: expect.closeTo(3_600 * (0.0000336 + 0.0000035), 10),
      confidence: "vendor",
    });
    expect(doubleRunningCost("europe-west6", { gke: {} })).toMatchObject({
      perHour: expect.closeTo(0.198845, 10),
      confidence: "unverified",
    });
    expect(doubleRunningCost("mars-north1", { "cloud-run": {} })?.confidence).toBe("unverified");
  });

  it("is not known for a platform without prices, or a size that cannot be read", () => {
    expect(doubleRunningCost("us-central1", { "cloud-run": {}, eks: {} })).toBeUndefined();
    expect(doubleRunningCost("us-central1", { gke: { cpu: "lots" } })).toBeUndefined();
  });
});

describe("the sizes that hold when nobody states any", () => {
  it("are the stacks' own", () => {
    const gke = readGkeConfig(stack);
    const cloudRun = readCloudRunConfig(stack);
    expect([gke.cpu, cloudRun.cpu]).toEqual([defaultSizes.cpu, defaultSizes.cpu]);
    expect([gke.memory, cloudRun.memory]).toEqual([defaultSizes.memory, defaultSizes.memory]);
    expect(gke.replicas).toBe(defaultSizes.gkeInstances);
    expect(cloudRun.minInstances).toBe(defaultSizes.cloudRunInstances);
    expect(cloudRun.cpuIdle ? "request-based" : "instance-based").toBe(defaultSizes.cloudRunBilling);
  });

  it.each(["1", "500m", "0.25", "16", "250m", "x", "", "1.2345", "-1", "1.5m"])(
    "cpu %j is read as the components read it",
    (text) => {
      const milli = parseCpu(text);
      // A thousandth of a thousandth is nothing that they take.
      if (text !== "1.5m") expect(vcpusOf(text)).toEqual(milli === undefined ? undefined : milli / 1_000);
      else expect(milli).toBeUndefined();
    },
  );

  it.each(["1Gi", "512Mi", "1.5G", "1024Ki", "2Ti", "1000000", "3k", "5M", "1T", "Gi", "", "1gi"])(
    "memory %j is read as the components read it",
    (text) => {
      const bytes = parseMemory(text);
      if (bytes === undefined) expect(gibOf(text)).toBeUndefined();
      else expect(gibOf(text)).toBeCloseTo(bytes / 2 ** 30, 6);
    },
  );
});

describe("the price table", () => {
  it("has a date, and for every price a page and how sure it is", () => {
    expect(pricesOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    const sources = [
      ...Object.values(cloudRunRates).flatMap((tiers) => Object.values(tiers).map(({ source }) => source)),
      ...Object.values(autopilotRates).map(({ source }) => source),
      gkeClusterHour.source,
    ];
    for (const { url, confidence } of sources) {
      expect(url).toMatch(/^https:\/\//);
      expect(["vendor", "quoted", "unverified"]).toContain(confidence);
    }
    expect(Object.keys(cloudRunTiers)).toContain("us-central1");
  });
});
