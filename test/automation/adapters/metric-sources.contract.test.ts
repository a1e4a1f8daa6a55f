import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { retryDelayMs } from "../../../automation/adapters/metric-request.ts";
import { createMetricSources } from "../../../automation/adapters/metric-sources.ts";
import { createCloudMonitoringMetrics } from "../../../automation/adapters/metrics-cloud-monitoring.ts";
import { createDatadogMetrics } from "../../../automation/adapters/metrics-datadog.ts";
import { createPrometheusMetrics } from "../../../automation/adapters/metrics-prometheus.ts";
import type { MetricSource } from "../../../automation/ports/metric-source.ts";
import {
  type MetricServer,
  serveCloudMonitoring,
  serveDatadog,
  servePrometheus,
} from "../../support/metric-servers.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual-clock.ts";

const secret = "secret-of-a-test";
const from = Date.UTC(2026, 10, 20, 12);
const query = { query: "latency", fromMs: from, toMs: from + 30_000, stepMs: 10_000 };

interface Subject {
  readonly server: MetricServer;
  readonly source: MetricSource;
  readonly clock: VirtualClock;
}

type Start = (options?: { readonly timeoutMs?: number; readonly intervalS?: number }) => Promise<Subject>;

async function opened(server: MetricServer, create: (clock: VirtualClock) => MetricSource): Promise<Subject> {
  onTestFinished(() => server.close());
  server.metrics.series.set("latency", new Map([["latency_seconds", [[from, 1]]]]));
  const clock = createVirtualClock(from);
  return { server, source: create(clock), clock };
}

const startPrometheus: Start = async (options = {}) => {
  const server = await servePrometheus(secret);
  const limit = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  return opened(server, (clock) =>
    createPrometheusMetrics({ url: `${server.url}/prometheus/`, token: secret, clock, ...limit }),
  );
};
const startCloudMonitoring: Start = async (options = {}) => {
  const server = await serveCloudMonitoring(secret, "p-1");
  const limit = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING: server.url, GOOGLE_OAUTH_ACCESS_TOKEN: secret };
  return opened(server, (clock) => createCloudMonitoringMetrics({ project: "p-1", env, clock, ...limit }));
};
const startDatadog: Start = async (options = {}) => {
  const server = await serveDatadog(secret, `${secret}-2`, () => options.intervalS ?? 10);
  const limit = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const keys = { apiKey: secret, applicationKey: `${secret}-2` };
  return opened(server, (clock) =>
    createDatadogMetrics({ site: "datadoghq.eu", ...keys, endpoint: server.url, clock, ...limit }),
  );
};
const all: readonly (readonly [name: string, start: Start])[] = [
  ["Prometheus", startPrometheus],
  ["Cloud Monitoring", startCloudMonitoring],
  ["Datadog", startDatadog],
];

/** The error with everything that a log would print of it. */
async function failureOf(work: Promise<unknown>): Promise<{ readonly code: unknown; readonly text: string }> {
  const error: unknown = await work.then(
    () => "nothing failed",
    (reason: unknown) => reason,
  );
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return { code, text: inspect(error, { depth: 20 }) };
}

describe.each(all)("%s", (_name, start) => {
  test("a source that is busy is asked once more, when it said that it can be", async () => {
    const { server, source, clock } = await start();
    server.answerNext(429, "{}", { "retry-after": "7" });
    const before = clock.now();
    expect(await clock.run(() => source.query(query))).toEqual([1, Number.NaN, Number.NaN]);
    expect(clock.now() - before).toBe(7_000);
    expect(server.requests).toHaveLength(2);
  });

  test("one that is busy twice is unreadable", async () => {
    const { server, source, clock } = await start();
    server.answerNext(429, "{}", { "retry-after": "1" });
    server.answerNext(429, "{}", { "retry-after": "1" });
    const { code, text } = await failureOf(clock.run(() => source.query(query)));
    expect([code, server.requests.length]).toEqual(["metric-unreadable", 2]);
    expect(text).toContain("429");
  });

  test.each([{}, { "retry-after": "3600" }])("nobody waits for one that is busy with %o", async (headers) => {
    const { server, source } = await start();
    server.answerNext(429, "{}", headers);
    expect((await failureOf(source.query(query))).code).toBe("metric-unreadable");
    expect(server.requests).toHaveLength(1);
  });

  test("a secret that the server repeats is not in the error", async () => {
    const { server, source } = await start();
    for (const [status, body] of [
      [403, JSON.stringify({ status: "error", errorType: "auth", error: `bad header Bearer ${secret}` })],
      [400, JSON.stringify({ errors: [`no key ${secret}-2`], error: { code: 400, message: `no token ${secret}` } })],
      [500, `<html>${secret}</html>`],
      [503, JSON.stringify({ error: { code: 503, message: `no backend for ${secret}` } })],
      [200, JSON.stringify({ [secret]: 1 })],
    ] as const) {
      server.answerNext(status, body);
      const { code, text } = await failureOf(source.query(query));
      expect(code).toBe("metric-unreadable");
      expect(text).not.toContain(secret);
    }
  });

  test.each(["", "<html>", "[]", '{"status":"success"}', '{"status":"ok","series":[{"pointlist":[["x",1]]}]}'])(
    "an answer that is not understood (%s) is unreadable, for names too",
    async (body) => {
      const { server, source } = await start();
      server.answerNext(200, body);
      server.answerNext(200, body);
      for (const failed of [source.query(query), source.names()])
        expect(await failureOf(failed)).toMatchObject({
          code: "metric-unreadable",
          text: expect.stringContaining("not understood"),
        });
    },
  );

  test("no answer in time is unreadable", async () => {
    const { server, source } = await start({ timeoutMs: 50 });
    server.hang();
    const { code, text } = await failureOf(source.query(query));
    expect(code).toBe("metric-unreadable");
    expect(text).toContain("no answer within 50 ms");
  });

  test("a redirection is not followed: the secret is for this server", async () => {
    const { server, source } = await start();
    server.answerNext(302, "{}", { location: `${server.url}/elsewhere` });
    expect((await failureOf(source.query(query))).code).toBe("metric-unreadable");
    expect(server.requests).toHaveLength(1);
  });
});

describe("what is asked", () => {
  test("Prometheus: below the path of its address, in seconds, up to the last point", async () => {
    const { server, source } = await startPrometheus();
    await source.query({ ...query, query: 'rate(x{side="gke"}[1m]) > 0 & 1' });
    expect(server.requests[0]?.pathname).toBe("/prometheus/api/v1/query_range");
    expect(Object.fromEntries(server.requests[0]?.searchParams ?? [])).toEqual({
      query: 'rate(x{side="gke"}[1m]) > 0 & 1',
      start: String(from / 1_000),
      end: String(from / 1_000 + 20),
      step: "10",
    });
  });

  test("Datadog: names of the last day", async () => {
    const { server, source } = await startDatadog();
    await source.names();
    expect(server.requests[0]?.searchParams.get("from")).toBe(String(from / 1_000 - 86_400));
  });
});

describe("what only one of them does", () => {
  const matrix = (result: unknown) => JSON.stringify({ status: "success", data: { resultType: "matrix", result } });

  test.each(["", "one", "0x10", "1 2"])("Prometheus: the value %o is not understood, and is no zero", async (value) => {
    const { server, source } = await startPrometheus();
    server.answerNext(200, matrix([{ metric: {}, values: [[from / 1_000, value]] }]));
    expect((await failureOf(source.query(query))).code).toBe("metric-unreadable");
  });

  test("Prometheus: a number too large for a double counts as missing", async () => {
    const { server, source } = await startPrometheus();
    server.answerNext(200, matrix([{ metric: {}, values: [[from / 1_000, "1e999"]] }]));
    expect(await source.query(query)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  test("Prometheus: a series of histograms says what to ask for", async () => {
    const { server, source } = await startPrometheus();
    server.answerNext(200, matrix([{ metric: {}, histograms: [] }]));
    expect((await failureOf(source.query(query))).text).toContain("histogram_quantile");
  });

  test("Prometheus: of many series three are named", async () => {
    const { server, source } = await startPrometheus();
    server.answerNext(200, matrix([1, 2, 3, 4, 5].map((pod) => ({ metric: { pod: `p${pod}` }, values: [] }))));
    expect((await failureOf(source.query(query))).text).toMatch(/5 series .*p1.*p2.*p3.* and 2 more/);
  });

  test("Datadog: points at another distance than asked for are refused with the remedy, not taken for missing", async () => {
    const { source } = await startDatadog({ intervalS: 60 });
    expect((await failureOf(source.query(query))).text).toMatch(/every 60 s.*\.rollup\(avg, 10\).*step: 60/);
  });

  test("Datadog: its own header says when it can be asked again", () => {
    const headers = new Headers({ "x-ratelimit-reset": "12" });
    expect(retryDelayMs((name) => headers.get(name), from)).toBe(12_000);
  });

  test.each([
    ["30", 30_000],
    [new Date(from + 5_000).toUTCString(), 5_000],
    [new Date(from - 5_000).toUTCString(), 0],
    ["soon", undefined],
  ])("Retry-After %s is %o ms", (text, expected) => {
    expect(retryDelayMs((name) => (name === "retry-after" ? text : null), from)).toBe(expected);
  });

  test("Cloud Monitoring: without a valid token it is the credentials that are missing", async () => {
    const { server, source } = await startCloudMonitoring();
    server.answerNext(401, JSON.stringify({ error: { code: 401, message: "expired" } }));
    expect((await failureOf(source.query(query))).code).toBe("credentials-missing");
  });
});

describe("where secrets may go", () => {
  const clock = createVirtualClock();
  const config = { prometheus: { url: "http://prometheus.example.com", token_variable: "PROM" } };

  test("a token never travels over plain HTTP to another machine", async () => {
    const create = (): unknown => createMetricSources({ config, env: { PROM: secret }, clock });
    expect(create).toThrow(expect.objectContaining({ code: "credentials-over-http" }));
    const datadog = { site: "datadoghq.eu", api_key_variable: "A", application_key_variable: "B" };
    const env = { A: secret, B: secret, DATADOG_HOST: "http://10.0.0.1" };
    expect(() => createMetricSources({ config: { datadog }, env, clock })).toThrow(
      expect.objectContaining({ code: "credentials-over-http" }),
    );
    const google = { CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING: "http://10.0.0.1" };
    expect(() => createMetricSources({ config: { "cloud-monitoring": { project: "p" } }, env: google, clock })).toThrow(
      expect.objectContaining({ code: "credentials-over-http" }),
    );
  });

  test("without a token plain HTTP is the user's choice", () => {
    const sources = createMetricSources({
      config: { prometheus: { url: "http://prometheus:9090/x" } },
      env: {},
      clock,
    });
    expect(sources["prometheus"]?.description).toBe("Prometheus at http://prometheus:9090/x");
  });

  test("a variable that is not set is named", () => {
    expect(() => createMetricSources({ config, env: { PROM: " " }, clock })).toThrow(
      expect.objectContaining({ code: "credentials-missing", message: expect.stringContaining("PROM") }),
    );
  });

  test("only what is configured is there", () => {
    const datadog = { site: "us5.datadoghq.com", api_key_variable: "A", application_key_variable: "B" };
    const env = { A: "1", B: "2" };
    expect(createMetricSources({ config: {}, env, clock })).toEqual({});
    const sources = createMetricSources({ config: { datadog, "cloud-monitoring": { project: "p" } }, env, clock });
    expect(Object.entries(sources).map(([name, { description }]) => [name, description])).toEqual([
      ["cloud-monitoring", "Cloud Monitoring of project p"],
      ["datadog", "Datadog at us5.datadoghq.com"],
    ]);
  });
});
