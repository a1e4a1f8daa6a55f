import { describe, expect, test } from "vitest";
import { nearest } from "../../../automation/nearest.ts";
import { metricChecks } from "../../../automation/swap/metric-checks.ts";
import { metricNamesIn, unknownMetricProblems } from "../../../automation/swap/metric-names.ts";
import { createFakeMetricSource } from "../../support/fake-metric-source.ts";

describe("names in a query", () => {
  test.each([
    ['http_requests_total{side="gke"}', ["http_requests_total"]],
    ["latency_gke", ["latency_gke"]],
    ["sum by (le) (rate(latency_bucket[5m]))", ["latency_bucket"]],
    ['histogram_quantile(0.95, sum(rate(a:b{x=~"c{1,2}"}[1m])) by (le)) / d{}', ["a:b", "d"]],
    ['{"http.server.duration", side="gke"}', ["http.server.duration"]],
    ['{__name__="run.googleapis.com/request_count",side="gke"}', ["run.googleapis.com/request_count"]],
    ['label_replace(up{side="gke"}, "dst", "$1", "src", "(.*)")', ["up"]],
    ["up / down", []],
    ["max_over_time(rate(x[1m])[30m:1m])", ["x"]],
    ["vector(1)", []],
  ])("PromQL: %s", (query, expected) => {
    expect(metricNamesIn("prometheus", query)).toEqual(expected);
    expect(metricNamesIn("cloud-monitoring", query)).toEqual(expected);
  });

  test.each([
    ["avg:system.cpu.user{side:gke}", ["system.cpu.user"]],
    ["sum:a.errors{side:gke} by {host}.as_count() / sum:a.hits{side:gke}.rollup(sum, 60)", ["a.errors", "a.hits"]],
    ["p95:trace.http.request{env:prod,side:gke}", ["trace.http.request"]],
  ])("Datadog: %s", (query, expected) => {
    expect(metricNamesIn("datadog", query)).toEqual(expected);
  });
});

describe("names that do not exist", () => {
  const checks = metricChecks.parse({
    sources: { prometheus: { url: "http://localhost:9090" }, datadog: {} },
    checks: [
      { name: "a", source: "prometheus", query: 'latency_secnods{side="{platform}"}' },
      { name: "b", source: "prometheus", query: "up_{platform}" },
      { name: "c", source: "datadog", query: "avg:whatever{side:{platform}}" },
    ],
  });
  const serving = { platform: "gke", environment: "prod" };

  test("are told with the nearest one, for the side that serves; a source that cannot list names is trusted", async () => {
    const prometheus = createFakeMetricSource();
    prometheus.metrics.names = ["latency_seconds", "up_gke"];
    const found = await unknownMetricProblems(
      checks,
      { prometheus, datadog: createFakeMetricSource({ listsNames: false }) },
      serving,
      nearest,
    );
    expect(found).toEqual([
      {
        path: ["checks", 0, "query"],
        message: "prometheus has no metric latency_secnods; did you mean latency_seconds?",
      },
    ]);
  });

  test("a source that cannot be read is an error", async () => {
    const prometheus = createFakeMetricSource();
    prometheus.failWith("connection refused");
    await expect(unknownMetricProblems(checks, { prometheus }, serving, nearest)).rejects.toMatchObject({
      code: "metric-unreadable",
    });
  });
});
