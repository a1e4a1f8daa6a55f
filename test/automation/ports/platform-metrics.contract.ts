/** What every source of the platforms' metrics does; run on the fake and on the adapters. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { PlatformMetrics } from "../../../automation/ports/platform-metrics.ts";
import { historyStart, type PlatformFacts } from "../../support/fake-platform-metrics.ts";

export interface PlatformMetricsHarness {
  readonly metrics: PlatformMetrics;
  /** What happened on the platform, before the next read. */
  happened(platform: string, facts: PlatformFacts): void;
  /** Resources cannot be read any more; requests can. */
  blindToResources(): void;
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

const since = historyStart - 60_000;
const facts: PlatformFacts = { requests: 300, errors: 12, ready: 3, history: [1, 1, 4, 3] };

export function platformMetricsContract(name: string, start: () => Promise<PlatformMetricsHarness>): void {
  describe(name, () => {
    const given = async (): Promise<PlatformMetricsHarness> => {
      const harness = await start();
      onTestFinished(() => harness.close());
      return harness;
    };

    for (const platform of ["cloud-run", "gke"]) {
      test(`counts every request of ${platform} and its failures, and none of the other platform's`, async () => {
        const { metrics, happened } = await given();
        happened(platform, facts);
        happened(platform === "gke" ? "cloud-run" : "gke", { ...facts, requests: 5, errors: 1 });
        const { requests, latency, ...snapshot } = await metrics.read(platform, since);
        expect(snapshot.platform).toBe(platform);
        expect(snapshot.since).toBeLessThanOrEqual(snapshot.at);
        expect(requests).toMatchObject({ value: { requests: 300, errors: 12 } });
        if (requests.kind !== "value" || latency.kind !== "value") throw new Error("not read");
        expect(Object.values(requests.value.errorsByClass).reduce((sum, one) => sum + one, 0)).toBe(12);
        const { boundsMs, upTo, count } = latency.value;
        expect(count).toBe(300);
        expect(upTo).toHaveLength(boundsMs.length);
        expect(upTo).toEqual(upTo.toSorted((a, b) => a - b));
      });

      test(`knows the instances of ${platform}, and how their number changed, oldest first`, async () => {
        const { metrics, happened } = await given();
        happened(platform, facts);
        const { instances, scaling } = await metrics.read(platform, since);
        expect(instances).toMatchObject({ value: { ready: 3 } });
        if (scaling.kind !== "value") throw new Error("not read");
        expect(scaling.value.map(({ from, to }) => [from, to])).toEqual([
          [1, 4],
          [4, 3],
        ]);
        for (const { reason } of scaling.value) expect(reason).not.toBe("");
        const times = scaling.value.map(({ at }) => at);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      });

      test(`what cannot be read of ${platform} is unreadable with a reason, not zero; the rest stays`, async () => {
        const { metrics, happened, blindToResources } = await given();
        happened(platform, facts);
        blindToResources();
        const { resources, requests } = await metrics.read(platform, since);
        expect(resources).toEqual({ kind: "unreadable", why: expect.stringMatching(/./) });
        expect(requests).toMatchObject({ value: { requests: 300 } });
      });
    }

    test("a source that is gone is an error with its name", async () => {
      const { metrics, happened, breakDown } = await given();
      happened("gke", facts);
      await breakDown();
      await expect(metrics.read("gke", since)).rejects.toMatchObject({ code: "metrics-unreachable" });
    });

    test("an abort ends the read with its reason", async () => {
      const { metrics } = await given();
      const reason = new Error("enough");
      await expect(metrics.read("gke", since, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
