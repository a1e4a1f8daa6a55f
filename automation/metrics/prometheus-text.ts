/** The model as Prometheus' text format. Names and labels are stable: dashboards and rules are written against them. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { known, type PlatformSnapshot, type Reading } from "../ports/platform-metrics.ts";
import { figureOf } from "./readings.ts";
import type { SwapFigures } from "./swap-figures.ts";

const prefix = "switchyard";

export interface PrometheusInput {
  readonly environment: string;
  readonly platforms: readonly PlatformSnapshot[];
  readonly swaps: SwapFigures;
}

/** A figure that is not known has no line: a scraper sees a gap and not a zero. */
export async function prometheusText({ environment, platforms, swaps }: PrometheusInput): Promise<string> {
  const registry = new Registry();
  const registers = [registry];

  const counter = (name: string, help: string, more: readonly string[] = []): Counter =>
    new Counter({ name: `${prefix}_${name}`, help, labelNames: ["environment", ...more], registers });
  const gauge = (name: string, help: string, more: readonly string[] = []): Gauge =>
    new Gauge({ name: `${prefix}_${name}`, help, labelNames: ["environment", ...more], registers });
  const set = (metric: Gauge, labels: Record<string, string>, reading: Reading<number>): void => {
    const value = figureOf(reading);
    if (value !== undefined) metric.set({ environment, ...labels }, value);
  };

  const requests = counter("requests_total", "Requests that ended, by platform and route.", ["platform", "route"]);
  const errors = counter("request_errors_total", "Requests that failed, by class.", ["platform", "route", "class"]);
  const restarts = counter("instance_restarts_total", "Instances that ended by themselves.", ["platform"]);
  const startFailures = counter("instance_start_failures_total", "Instances that never became ready.", ["platform"]);
  const instances = gauge("instances", "Instances by state.", ["platform", "state"]);
  const cores = gauge("cpu_cores", "Cores in use by all instances.", ["platform"]);
  const memory = gauge("memory_bytes", "Resident memory of all instances.", ["platform"]);
  const share = gauge("resource_share", "Use of the fullest instance, of its limit.", ["platform", "resource"]);
  const queued = gauge("requests_queued", "Requests that wait for an instance.", ["platform"]);
  const scaled = gauge("scaling_events", "Changes of the number of instances that are remembered.", ["platform"]);
  for (const snapshot of platforms) {
    const { platform } = snapshot;
    for (const [route, reading] of [
      ["weighted", snapshot.requests],
      ["dark", snapshot.darkRequests],
    ] as const) {
      const figures = figureOf(reading);
      if (figures === undefined) continue;
      requests.inc({ environment, platform, route }, figures.requests);
      for (const [name, count] of Object.entries(figures.errorsByClass)) {
        errors.inc({ environment, platform, route, class: name }, count);
      }
    }
    for (const [metric, reading] of [
      [restarts, snapshot.restarts],
      [startFailures, snapshot.startFailures],
    ] as const) {
      const count = figureOf(reading);
      if (count !== undefined) metric.inc({ environment, platform }, count);
    }
    const ofInstances = figureOf(snapshot.instances);
    if (ofInstances !== undefined) {
      set(instances, { platform, state: "ready" }, known(ofInstances.ready));
      for (const state of ["starting", "wanted", "most"] as const) {
        set(instances, { platform, state }, ofInstances[state]);
      }
    }
    const resources = figureOf(snapshot.resources);
    if (resources !== undefined) {
      set(cores, { platform }, resources.cores);
      set(memory, { platform }, resources.memoryBytes);
      set(share, { platform, resource: "cpu" }, resources.cpuShare);
      set(share, { platform, resource: "memory" }, resources.memoryShare);
    }
    set(queued, { platform }, snapshot.queued);
    const events = figureOf(snapshot.scaling);
    if (events !== undefined) scaled.set({ environment, platform }, events.length);
  }
  await addLatency(registry, environment, platforms);

  const swapsTotal = counter("swaps_total", "Swaps by how they ended.", ["end"]);
  for (const [end, count] of [
    ["completed", swaps.completed],
    ["rolled-back", swaps.rolledBack],
    ["aborted", swaps.aborted],
    ["failed", swaps.failed],
  ] as const) {
    swapsTotal.inc({ environment, end }, count);
  }
  set(gauge("swap_success_ratio", "Completed swaps among those that ended by themselves."), {}, swaps.successRate);
  for (const [name, help, reading] of [
    ["swap_duration_seconds", "Completed swaps from start to end.", swaps.durationMs],
    ["swap_detect_seconds", "From the last change of weights to the decision to go back.", swaps.detectMs],
    ["swap_rollback_seconds", "From the decision to go back until the data plane followed.", swaps.rollBackMs],
  ] as const) {
    const spread = figureOf(reading);
    const metric = gauge(name, help, ["quantile"]);
    if (spread === undefined) continue;
    metric.set({ environment, quantile: "0.5" }, spread.p50 / 1_000);
    metric.set({ environment, quantile: "0.95" }, spread.p95 / 1_000);
  }
  return registry.metrics();
}

async function addLatency(
  registry: Registry,
  environment: string,
  platforms: readonly PlatformSnapshot[],
): Promise<void> {
  const name = `${prefix}_request_duration_seconds`;
  const bounds = platforms.map(({ latency }) => figureOf(latency)?.boundsMs).find((one) => one !== undefined) ?? [];
  const values = platforms.flatMap(({ platform, latency }) => {
    const found = figureOf(latency);
    if (found === undefined) return [];
    const labels = { environment, platform };
    const ends = [...found.boundsMs.map((bound) => String(bound / 1_000)), "+Inf"];
    const counts = [...found.upTo, found.count];
    return [
      ...ends.map((le, at) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: counts[at] ?? 0 })),
      { metricName: `${name}_sum`, labels, value: found.sumMs / 1_000 },
      { metricName: `${name}_count`, labels, value: found.count },
    ];
  });
  const histogram = new Histogram({
    name,
    help: "Users' requests from arrival to the last byte of the response.",
    labelNames: ["environment", "platform"],
    buckets: bounds.map((bound) => bound / 1_000),
    registers: [],
  });
  // prom-client observes one value after another; these are counted already. The text is made of what this method gives.
  const description = await histogram.get();
  registry.registerMetric(Object.assign(histogram, { getForPromString: async () => ({ ...description, values }) }));
}
