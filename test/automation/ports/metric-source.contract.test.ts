import { describe, expect, test } from "vitest";
import { createCloudWatch } from "../../../automation/adapters/cloudwatch.ts";
import { createCloudMonitoringMetrics } from "../../../automation/adapters/metrics-cloud-monitoring.ts";
import { createDatadogMetrics } from "../../../automation/adapters/metrics-datadog.ts";
import { createPrometheusMetrics } from "../../../automation/adapters/metrics-prometheus.ts";
import type { MetricSource } from "../../../automation/ports/metric-source.ts";
import { serveCloudWatch } from "../../support/cloudwatch-server.ts";
import { createFakeMetricSource } from "../../support/fake-metric-source.ts";
import {
  type MetricServer,
  serveCloudMonitoring,
  serveDatadog,
  servePrometheus,
} from "../../support/metric-servers.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { type MetricSourceHarness, metricSourceContract } from "./metric-source.contract.ts";

const clock = createVirtualClock();

function over(server: MetricServer, source: MetricSource, refusal: (words: string) => unknown): MetricSourceHarness {
  return {
    source,
    metrics: server.metrics,
    refuse: (words) => server.answerNext(400, JSON.stringify(refusal(words))),
    hang() {
      server.hang();
      return () => server.hanging;
    },
    breakDown: () => server.close(),
    close: () => server.close(),
  };
}

const prometheusRefusal = (error: string) => ({ status: "error", errorType: "bad_data", error });

metricSourceContract("fake metrics", async () => {
  const source = createFakeMetricSource();
  let refusals = 0;
  return {
    source: {
      ...source,
      async query(query, signal) {
        try {
          return await source.query(query, signal);
        } finally {
          if (refusals > 0) source.failWith(undefined);
          refusals = 0;
        }
      },
    },
    metrics: source.metrics,
    refuse(words) {
      refusals = 1;
      source.failWith(words);
    },
    hang() {
      source.hang();
      return async () => {};
    },
    breakDown: async () => source.failWith("nobody is there"),
    close: async () => {},
  };
});

metricSourceContract("Prometheus", async () => {
  const server = await servePrometheus("token");
  const source = createPrometheusMetrics({ url: `${server.url}/prometheus`, token: "token", clock });
  return over(server, source, prometheusRefusal);
});

metricSourceContract("Cloud Monitoring", async () => {
  const server = await serveCloudMonitoring("token", "p-1");
  const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING: server.url, GOOGLE_OAUTH_ACCESS_TOKEN: "token" };
  return over(server, createCloudMonitoringMetrics({ project: "p-1", env, clock }), prometheusRefusal);
});

metricSourceContract("Datadog", async () => {
  const server = await serveDatadog("api", "application", () => 10);
  const keys = { apiKey: "api", applicationKey: "application" };
  const source = createDatadogMetrics({ site: "datadoghq.eu", ...keys, endpoint: server.url, clock });
  return over(server, source, (words) => ({ status: "error", error: words }));
});

metricSourceContract("CloudWatch", async () => {
  const server = await serveCloudWatch("eu-west-1");
  const cloudWatch = createCloudWatch({ region: "eu-west-1", namespace: "Istio", endpoint: server.url });
  const harness = over(server, cloudWatch.metrics, (words) => ({ __type: "ValidationError", message: words }));
  return {
    ...harness,
    async close() {
      await cloudWatch.close();
      await server.close();
    },
  };
});

describe("fake metrics", () => {
  test("may be a source that cannot list names", async () => {
    expect(await createFakeMetricSource({ listsNames: false }).names()).toBeUndefined();
  });
});
