import { describe, expect, test } from "vitest";
import {
  baselineEvidence,
  baselineRecord,
  baselineText,
  baselineTooOld,
  takeBaseline,
} from "../../../../automation/guard/judge/baseline.ts";
import { observe } from "../../../../automation/guard/judge/observe.ts";
import { type Signal, signalsOf } from "../../../../automation/guard/judge/signals.ts";
import { seriesIn } from "../../../../automation/guard/judge/window.ts";
import { judge } from "../../../../automation/guard/rules/book.ts";
import { situationFile } from "../../../../automation/guard/rules/evidence.ts";
import { guardConfig } from "../../../../automation/guard/settings.ts";
import { createFakeMetricSource, type FakePoint } from "../../../support/fake-metric-source.ts";
import { healthy } from "../corpus/healthy.ts";

const now = Date.UTC(2026, 10, 24, 9, 0, 20);
const end = Date.UTC(2026, 10, 24, 9);
const week = 604_800_000;
const minute = 60_000;
const subject = { clusterName: "prod-eu-1", tags: {} };
const requests = 'sum(requests{cluster="prod-eu-1"})';
const signals: readonly Signal[] = signalsOf(
  guardConfig.parse({
    metrics: {
      source: "prometheus",
      prometheus: { url: "http://127.0.0.1:1", queries: { requests: "sum(requests{{tags}})" } },
    },
  }).metrics,
).filter(({ name }) => name === "requests" || name === "xds_rejects");

function given() {
  const source = createFakeMetricSource();
  const points: FakePoint[] = [];
  // Every third minute has no value.
  for (let index = -180; index < 60; index += 1)
    if (index % 3 !== 0) points.push([end + index * minute, 100], [end - week + index * minute, 90]);
  source.metrics.series.set(requests, new Map([["requests", points]]));
  const request = { source, language: "prometheus", subject, signals, cluster: "prod-eu-1" } as const;
  return { source, request };
}

describe("baseline", () => {
  test("keeps query, window, step, and every value with its gaps; last week likewise", async () => {
    const { request } = given();
    const baseline = await takeBaseline({ ...request, services: [] }, now);
    const { window, lastWeek } = baseline;
    expect([window.fromMs, window.toMs, window.stepMs]).toEqual([end - 180 * minute, end, minute]);
    expect(lastWeek.fromMs).toBe(window.fromMs - week);
    const series = seriesIn(window, "requests", null);
    expect(series).toMatchObject({ query: requests, samples: 120 });
    expect(series?.values.slice(0, 4)).toEqual([null, 100, 100, null]);
    expect(baselineRecord.parse(JSON.parse(baselineText(baseline)))).toEqual(baseline);
  });

  test("what the source does not have is missing, with the reason", async () => {
    const { request, source } = given();
    const baseline = await takeBaseline({ ...request, services: [] }, now);
    expect(seriesIn(baseline.window, "xds_rejects", null)).toMatchObject({ samples: 0, values: [] });
    expect(seriesIn(baseline.window, "xds_rejects", null)?.missing).toMatch(/has no value/);
    source.failWith("it is down");
    const without = await takeBaseline({ ...request, services: [] }, now);
    expect(seriesIn(without.window, "requests", null)?.missing).toMatch(/it is down/);
    expect(baselineEvidence(without, true)?.services).toEqual([
      { name: "all services", requests: 0, sameHourLastWeek: false },
    ]);
  });

  test("is what rule G25 asks for", async () => {
    const { request } = given();
    const baseline = await takeBaseline({ ...request, services: ["reviews"] }, now);
    const metricsBaseline = baselineEvidence(baseline, true);
    expect(metricsBaseline?.services).toEqual([
      { name: "all services", requests: 12_000, sameHourLastWeek: true },
      { name: "reviews", requests: 0, sameHourLastWeek: false },
    ]);
    const situation = situationFile.parse({
      ...healthy({}, () => (metricsBaseline === undefined ? {} : { metricsBaseline })),
      at: new Date(now + minute).toISOString(),
    });
    const found = judge(situation).findings.filter(({ rule }) => rule === "G25");
    expect(found.map(({ evidence }) => evidence)).toEqual([
      "1 services had fewer than 1,000 requests in 180 minutes",
      "1 services have no value of the same hour last week",
    ]);
  });

  test("is too old after its hours, and from the future it is wrong", async () => {
    const { request } = given();
    const baseline = await takeBaseline({ ...request, services: [] }, now);
    expect(baselineTooOld(baseline, now + 86_400_000, 24)).toBeUndefined();
    expect(baselineTooOld(baseline, now + 86_460_000, 24)).toMatch(/24\.0 hours old/);
    expect(baselineTooOld(baseline, now - 1, 24)).toMatch(/future/);
  });

  test("a name that would change a query is refused before anything is asked", async () => {
    const { request, source } = given();
    const odd = { ...request, subject: { clusterName: "a\nb", tags: {} }, services: [] };
    await expect(takeBaseline(odd, now)).rejects.toEqual(expect.objectContaining({ code: "invalid-config" }));
    expect(source.asked).toEqual([]);
  });
});

describe("observations", () => {
  test("are whole minutes of the soak, of last week and of at most five other clusters", async () => {
    const { request, source } = given();
    const baseline = await takeBaseline({ ...request, services: [] }, now);
    const peers = Array.from({ length: 7 }, (_, index) => ({
      cluster: `prod-${index}`,
      subject: { clusterName: `prod-${index}`, tags: {} },
    }));
    const seen = await observe({ ...request, baseline, soakStartedAt: end + 10_000, peers }, end + 5 * minute + 3_000);
    expect(seen.soak).toMatchObject({ fromMs: end, toMs: end + 5 * minute });
    expect(seriesIn(seen.soak, "requests", null)?.values).toEqual([null, 100, 100, null, 100]);
    expect(seriesIn(seen.lastWeek, "requests", null)?.values).toEqual([null, 90, 90, null, 90]);
    expect(seen.peers.map(({ cluster }) => cluster)).toEqual(["prod-0", "prod-1", "prod-2", "prod-3", "prod-4"]);
    expect(source.asked.every(({ toMs }) => toMs <= end + 5 * minute)).toBe(true);
  });

  test("in the first minute there is nothing yet, and nothing is asked for it", async () => {
    const { request, source } = given();
    const baseline = await takeBaseline({ ...request, services: [] }, now);
    const before = source.asked.length;
    const seen = await observe({ ...request, baseline, soakStartedAt: end, peers: [] }, end + 30_000);
    expect(seriesIn(seen.soak, "requests", null)).toMatchObject({ samples: 0, missing: "no minute is over yet" });
    expect(source.asked.length).toBe(before);
  });
});
