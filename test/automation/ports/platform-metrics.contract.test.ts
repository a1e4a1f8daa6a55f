import { expect, onTestFinished, test } from "vitest";
import { createGooglePlatformMetrics } from "../../../automation/adapters/platform-metrics-google.ts";
import { createLocalPlatformMetrics } from "../../../automation/adapters/platform-metrics-local.ts";
import { serveControlApi } from "../../../local/daemon/control-api.ts";
import type { Workloads } from "../../../local/daemon/workloads.ts";
import { createSideCounters } from "../../../local/router/counters.ts";
import { ScalingLog } from "../../../local/runtime/scaling-log.ts";
import {
  createFakePlatformMetrics,
  historyStart,
  minuteMs,
  type PlatformFacts,
} from "../../support/fake-platform-metrics.ts";
import { startMonitoringServer } from "../../support/monitoring-server.ts";
import { type PlatformMetricsHarness, platformMetricsContract } from "./platform-metrics.contract.ts";

const token = "token-of-a-test";
const now = historyStart + 10 * minuteMs;

platformMetricsContract("fake", async () => {
  const metrics = createFakePlatformMetrics();
  return {
    metrics,
    happened: (platform, facts) => metrics.platforms.set(platform, facts),
    blindToResources() {
      metrics.blindToResources = true;
    },
    async breakDown() {
      metrics.isDown = true;
    },
    close: async () => undefined,
  };
});

interface LocalHarness extends PlatformMetricsHarness {
  readonly counters: ReturnType<typeof createSideCounters>;
  readonly dark: ReturnType<typeof createSideCounters>;
}

/** The daemon's own control API over real counters and a real scaling log, with workloads of the test. */
async function startLocal(): Promise<LocalHarness> {
  const counters = createSideCounters();
  const dark = createSideCounters();
  const facts = new Map<string, PlatformFacts>();
  let blind = false;
  const unused = (): never => {
    throw new Error("not asked for here");
  };
  const api = await serveControlApi(
    {
      counters,
      darkCounters: dark,
      workloads: async () => workloadsOf(facts, blind),
      weights: () => ({}),
      status: () => ({
        version: "0",
        pid: 1,
        startedAt: historyStart,
        project: "p",
        region: "us-central1",
        zones: [],
        providers: { gcp: 1, kubernetes: 1 },
        googleEndpoint: "",
        listeners: [],
        settings: {
          propagationDelayMs: 0,
          propagationSpreadMs: 0,
          propagationInOrder: true,
          routerWorkers: 1,
          logDelayMs: 0,
          coldStartDelayMs: 0,
          negDelayMs: 0,
        },
        notRestored: [],
      }),
      feed: { read: unused },
      usage: unused,
      exits: unused,
      resources: unused,
      log: unused,
      failBack: { url: unused, list: unused, set: unused },
      dynamoDb: unused,
      changeSettings: unused,
      stop: unused,
    },
    token,
  );
  const options = { controlUrl: api.url, token, listener: "kiro-https", prefix: "kiro" };
  return {
    counters,
    dark,
    metrics: createLocalPlatformMetrics(options),
    happened(platform, happened) {
      facts.set(platform, happened);
      for (let number = 0; number < happened.requests; number += 1) {
        counters.begin("kiro-https", platform);
        const outcome = number < happened.errors ? "application" : "ok";
        counters.end("kiro-https", platform, outcome, { firstByteMs: 3, durationMs: 12 });
        // Of another environment's balancer, and a probe of nobody's.
        counters.begin("other-https", platform);
        counters.end("other-https", platform, "gateway", { firstByteMs: 3, durationMs: 12 });
      }
    },
    blindToResources() {
      blind = true;
    },
    breakDown: () => api.close(),
    close: () => api.close(),
  };
}

function workloadsOf(facts: ReadonlyMap<string, PlatformFacts>, blind: boolean): Workloads {
  const scalingOf = (history: readonly number[]): ReturnType<ScalingLog["list"]> => {
    const log = new ScalingLog();
    for (const [index, to] of history.entries()) {
      const from = history[index - 1] ?? to;
      log.add({ at: historyStart + index * minuteMs, target: "x", from, to, reason: "demand" });
    }
    return log.list();
  };
  const names = (platform: string, count: number) =>
    Array.from({ length: count }, (_, number) => `${platform}-${number}`);
  const cloudRun = facts.get("cloud-run");
  const gke = facts.get("gke");
  const processes = [...facts].flatMap(([platform, { ready }]) =>
    names(platform, ready).map((name) => ({ name, cpuPercent: 30, memoryBytes: 2 ** 28 })),
  );
  return {
    at: now,
    services:
      cloudRun === undefined
        ? []
        : [
            {
              name: "projects/p/locations/us-central1/services/kiro-agent",
              revision: "r",
              instanceCount: cloudRun.ready,
              startingInstances: 0,
              retiringInstances: 0,
              pending: 0,
              inFlight: 0,
              concurrency: 80,
              recommendedInstances: cloudRun.ready,
              coldStarts: 0,
              averageStartMs: 0,
              minInstances: 1,
              maxInstances: 10,
              cpu: 1,
              memoryBytes: 2 ** 30,
              instances: names("cloud-run", cloudRun.ready),
              crashes: 0,
              startFailures: 0,
              scaling: scalingOf(cloudRun.history),
            },
          ],
    deployments:
      gke === undefined
        ? []
        : [
            {
              cluster: "kiro-gke",
              namespace: "kiro",
              name: "agent",
              wanted: gke.ready,
              autoscaler: { min: 1, max: 10 },
              pods: names("gke", gke.ready).map((name) => ({ name, ready: true, restarts: 0 })),
              cpu: 1,
              memoryBytes: 2 ** 30,
              scaling: scalingOf(gke.history),
            },
          ],
    usage: blind ? { unreadable: "pidusage failed" } : { processes },
  };
}

platformMetricsContract("local cloud", startLocal);

platformMetricsContract("Cloud Monitoring", async () => {
  const server = await startMonitoringServer();
  return {
    metrics: googleMetrics(server.url),
    happened: (platform, facts) => server.facts.set(platform, facts),
    blindToResources() {
      server.refused = "container/";
    },
    breakDown: () => server.close(),
    close: () => server.close(),
  };
});

function googleMetrics(url: string) {
  return createGooglePlatformMetrics({
    project: "p",
    prefix: "kiro",
    env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING: url, GOOGLE_OAUTH_ACCESS_TOKEN: token },
    clock: { wall: () => now },
  });
}

test("the local cloud tells the dark route from the users' requests, and other balancers from its own", async () => {
  const { metrics, dark, happened, close } = await startLocal();
  onTestFinished(close);
  happened("gke", { requests: 40, errors: 4, ready: 2, history: [2] });
  for (let number = 0; number < 9; number += 1) {
    dark.begin("kiro-https", "gke");
    dark.end("kiro-https", "gke", number === 0 ? "gateway" : "ok", { firstByteMs: 1, durationMs: 2 });
  }
  expect(await metrics.read("gke", 0)).toMatchObject({
    since: historyStart,
    requests: { value: { requests: 40, errors: 4, errorsByClass: { application: 4, gateway: 0 } } },
    darkRequests: { value: { requests: 9, errors: 1, errorsByClass: { application: 0, gateway: 1 } } },
    latency: { value: { count: 40, sumMs: 480 } },
    resources: { value: { cores: { value: 0.6 }, cpuShare: { value: 0.3 }, memoryShare: { value: 0.25 } } },
  });
  // What does not run has no instances; that is not the same as none of them.
  expect((await metrics.read("cloud-run", 0)).instances.kind).toBe("absent");
});

test("Cloud Monitoring is asked for the time that is wanted, page after page, and without a token in what is said", async () => {
  const server = await startMonitoringServer();
  onTestFinished(() => server.close());
  server.pageSize = 1;
  server.facts.set("gke", { requests: 300, errors: 12, ready: 3, history: [1, 1, 4, 3] });
  const metrics = googleMetrics(server.url);
  const since = now - 60 * minuteMs;
  const { requests, restarts, latency } = await metrics.read("gke", since);
  expect(requests).toMatchObject({ value: { requests: 300, errors: 12, errorsByClass: { "5xx": 12 } } });
  expect(restarts).toEqual({ kind: "value", value: 2 });
  // 1.4^8 ms is the upper end of the bucket that all of them are in.
  expect(latency).toMatchObject({ value: { sumMs: 3_600 } });
  if (latency.kind !== "value") throw new Error("not read");
  expect(latency.value.boundsMs[8]).toBeCloseTo(1.4 ** 8);
  const counted = server.requests.find((url) => url.search.includes("request_count"));
  expect(counted?.searchParams.get("interval.startTime")).toBe(new Date(since).toISOString());
  expect(counted?.searchParams.get("aggregation.perSeriesAligner")).toBe("ALIGN_DELTA");
  expect(counted?.searchParams.get("filter")).toContain('resource.labels.backend_target_name = "kiro-gke"');
  expect(server.requests.some((url) => url.searchParams.get("pageToken") === "1")).toBe(true);
});

test("no series is not a zero, and what Google's metrics do not have is absent", async () => {
  const server = await startMonitoringServer();
  onTestFinished(() => server.close());
  const snapshot = await googleMetrics(server.url).read("cloud-run", historyStart);
  expect(snapshot).toMatchObject({
    requests: { kind: "unreadable" },
    latency: { kind: "unreadable" },
    instances: { kind: "unreadable" },
    darkRequests: { kind: "absent" },
    firstByte: { kind: "absent" },
  });
});
