import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AgentMonitoring, type AgentMonitoringArgs } from "../../../components/observability/agent-monitoring.ts";
import { dashboardDocument } from "../../../components/observability/dashboard.ts";
import { metricTypes } from "../../../components/observability/metrics.ts";
import type { MonitoringSettings } from "../../../components/observability/settings.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed } from "../graph-rules.ts";

const base: AgentMonitoringArgs = { prefix: "kiro", project: "my-project", domain: "agent.example.com" };
const channel = "projects/my-project/notificationChannels/1234567890";

const settings: MonitoringSettings = {
  ...base,
  platforms: ["cloud-run", "gke"],
  notificationChannels: [],
  errorPercent: 5,
  latencyMilliseconds: 10_000,
  requestsPerMinute: 1,
  uptimePeriodSeconds: 60,
  maxInstances: 100,
};

function declare(args: Partial<AgentMonitoringArgs> = {}) {
  return declareGraph((options) => new AgentMonitoring("monitoring", { ...base, ...args }, options));
}

const policyType = "gcp:monitoring/alertPolicy:AlertPolicy";
const checkType = "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig";
const dashboardType = "gcp:monitoring/dashboard:Dashboard";

async function policies(args: Partial<AgentMonitoringArgs> = {}) {
  const graph = await declare(args);
  return Object.fromEntries(
    graph.all(policyType).map(({ name, inputs }) => [name.replace(/^monitoring-/, ""), inputs] as const),
  );
}

const threshold = (policy: unknown): unknown => at(policy, "conditions.0.conditionThreshold");

describe("AgentMonitoring", () => {
  test("declares a well-formed graph, also with the longest prefix and one platform", async () => {
    expectWellFormed(await declare(), "monitoring");
    expectWellFormed(await declare({ prefix: "a2345678901234567890", platforms: ["gke"] }), "monitoring");
  });

  test("the uptime check asks the agent's health as users reach it, without a credential", async () => {
    const { inputs } = (await declare()).only(checkType);
    expect(inputs).toMatchObject({
      monitoredResource: { type: "uptime_url", labels: { project_id: "my-project", host: "agent.example.com" } },
      httpCheck: { path: "/health", port: 443, requestMethod: "GET", useSsl: true, validateSsl: true },
      period: "60s",
      timeout: "10s",
    });
    expect(JSON.stringify(inputs)).not.toMatch(/authInfo|headers|password/);
  });

  test("each side has its own policies; silence and instances only where they mean something", async () => {
    expect(Object.keys(await policies())).toEqual([
      "errors-cloud-run",
      "latency-cloud-run",
      "errors-gke",
      "latency-gke",
      "uptime",
      "silence",
      "instances",
    ]);
    expect(Object.keys(await policies({ platforms: ["gke"], requestsPerMinute: 0 }))).toEqual([
      "errors-gke",
      "latency-gke",
      "uptime",
    ]);
  });

  test("errors are a share of the same side's requests", async () => {
    const { "errors-gke": policy } = await policies({ errorPercent: 0.5 });
    const condition = threshold(policy);
    expect(condition).toMatchObject({ comparison: "COMPARISON_GT", thresholdValue: 0.005, trigger: { count: 1 } });
    const side =
      'metric.type = "loadbalancing.googleapis.com/https/request_count" AND resource.type = "https_lb_rule" AND resource.label.url_map_name = "kiro" AND resource.label.backend_target_name = "kiro-gke"';
    expect(at(condition, "denominatorFilter")).toBe(side);
    expect(at(condition, "filter")).toBe(`${side} AND metric.label.response_code_class = 500`);
    // A ratio of two series needs both to be put together alike.
    expect(at(condition, "aggregations")).toEqual(at(condition, "denominatorAggregations"));
  });

  test("latency is p95 over all series of the side, in ms", async () => {
    const { "latency-cloud-run": policy } = await policies({ latencyMilliseconds: 800 });
    expect(threshold(policy)).toMatchObject({
      comparison: "COMPARISON_GT",
      thresholdValue: 800,
      aggregations: [{ perSeriesAligner: "ALIGN_DELTA", crossSeriesReducer: "REDUCE_PERCENTILE_95" }],
    });
    expect(at(threshold(policy), "filter")).toContain('"kiro-cloud-run"');
  });

  test("the uptime policy watches the check of this component, and waits for two places that fail", async () => {
    const { uptime } = await policies();
    expect(at(threshold(uptime), "filter")).toContain('metric.label.check_id = "kiro-check"');
    expect(threshold(uptime)).toMatchObject({ comparison: "COMPARISON_GT", thresholdValue: 1 });
  });

  test.each([
    { requestsPerMinute: 1, uptimePeriodSeconds: 60, perSecond: 7 / 60 },
    { requestsPerMinute: 600, uptimePeriodSeconds: 900, perSecond: 600.4 / 60 },
  ])("silence is judged beyond the uptime check's own requests: %o", async ({ perSecond, ...args }) => {
    const { silence } = await policies(args);
    expect(at(threshold(silence), "comparison")).toBe("COMPARISON_LT");
    expect(at(threshold(silence), "thresholdValue")).toBeCloseTo(perSecond, 9);
    expect(at(silence, "conditions.1.conditionAbsent.filter")).toBe(at(threshold(silence), "filter"));
  });

  test("Cloud Run at its maximum is found when the last instance is there, not one before", async () => {
    const { instances } = await policies({ maxInstances: 3 });
    const value = Number(at(threshold(instances), "thresholdValue"));
    expect([2 > value, 3 > value]).toEqual([false, true]);
  });

  test("channels are named, never made: no secret comes near", async () => {
    const graph = await declare({ notificationChannels: [channel] });
    for (const { inputs } of graph.all(policyType)) expect(inputs["notificationChannels"]).toEqual([channel]);
    expect(graph.resources.map(({ type }) => type)).not.toContain(
      "gcp:monitoring/notificationChannel:NotificationChannel",
    );
  });

  test("the transform reaches every policy", async () => {
    const graph = await declare({ transform: { alertPolicy: { enabled: false } } });
    expect(graph.all(policyType).every(({ inputs }) => inputs["enabled"] === false)).toBe(true);
  });

  test("every problem at once, before anything is declared", async () => {
    const attempt = (): AgentMonitoring =>
      new AgentMonitoring("monitoring", {
        ...base,
        prefix: "Kiro",
        domain: "agent",
        platforms: ["gek"],
        notificationChannels: ["https://hooks.example.com/T0/secret"],
        errorPercent: 0,
        latencyMilliseconds: 0,
        requestsPerMinute: -1,
        uptimePeriodSeconds: 30,
        maxInstances: 0,
      });
    expect(attempt).toThrow(InvalidArgsError);
    for (const path of [
      "prefix",
      "domain",
      "platforms\\[0\\].*did you mean gke",
      "notificationChannels\\[0\\]",
      "errorPercent",
      "latencyMilliseconds",
      "requestsPerMinute",
      "uptimePeriodSeconds is 30; allowed: 60, 300, 600, 900 s",
      "maxInstances",
    ]) {
      expect(attempt, path).toThrow(new RegExp(`^ *${path}`, "m"));
    }
    // A webhook's address is a secret, also in an error.
    expect(attempt).not.toThrow(/hooks\.example/);
  });
});

const dashboardShape = z.object({
  displayName: z.string(),
  mosaicLayout: z.object({
    columns: z.number().max(48),
    tiles: z.array(
      z.object({
        xPos: z.number().min(0),
        yPos: z.number().min(0),
        width: z.number().min(1),
        height: z.number().min(1),
        widget: z.object({
          title: z.string(),
          xyChart: z.object({ dataSets: z.array(z.record(z.string(), z.unknown())).min(1) }).loose(),
        }),
      }),
    ),
  }),
});

describe("the dashboard", () => {
  test("is what the component declares, with the id of its check", async () => {
    const { inputs } = (await declare()).only(dashboardType);
    expect(JSON.parse(String(inputs["dashboardJson"]))).toEqual(dashboardDocument(settings, "kiro-check"));
  });

  test.each([[["cloud-run", "gke"]], [["gke"]], [["cloud-run"]]])(
    "of %j has tiles that fill no place twice",
    (platforms) => {
      const { mosaicLayout } = dashboardShape.parse(dashboardDocument({ ...settings, platforms }, "check"));
      const taken = new Set<string>();
      for (const { xPos, yPos, width, height, widget } of mosaicLayout.tiles) {
        expect(xPos + width, widget.title).toBeLessThanOrEqual(mosaicLayout.columns);
        for (let x = xPos; x < xPos + width; x++)
          for (let y = yPos; y < yPos + height; y++) {
            expect(taken.has(`${x},${y}`), widget.title).toBe(false);
            taken.add(`${x},${y}`);
          }
      }
      const titles = mosaicLayout.tiles.map(({ widget }) => widget.title).join("\n");
      expect(titles.includes("Cloud Run")).toBe(platforms.includes("cloud-run"));
      expect(titles.includes("GKE")).toBe(platforms.includes("gke"));
    },
  );

  test("shows requests, weights, errors, latency, uptime, instances, pods and autoscaler of this prefix alone", () => {
    const text = JSON.stringify(dashboardDocument({ ...settings, prefix: "blue" }, "check"));
    for (const metric of Object.values(metricTypes)) {
      expect(text, metric).toContain(metric);
    }
    // PromQL has its own spelling of a metric's name.
    expect(text.match(/loadbalancing_googleapis_com:https_request_count/g)).toHaveLength(4);
    expect(text).not.toContain("kiro");
  });
});
