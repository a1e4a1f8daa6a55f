/**
 * Metrics of the platforms on Google Cloud, from Cloud Monitoring (v3, timeSeries.list). Requests and latency are the load
 * balancer's, so that both platforms are counted by one hand; the rest is Cloud Run's and Kubernetes' own.
 */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import {
  absent,
  type InstanceFigures,
  known,
  type LatencyHistogram,
  type PlatformMetrics,
  type PlatformSnapshot,
  type Reading,
  type RequestFigures,
  type ResourceFigures,
  unreadable,
} from "../ports/platform-metrics.ts";
import { createGoogleClient, type GoogleApi, googleErrorText } from "./google-client.ts";
import {
  fullestShare,
  gaugePoints,
  histogramOf,
  latestSum,
  scalingOf,
  sumOf,
  type TimeSeries,
  timeSeriesPage,
} from "./google-time-series.ts";

const monitoringApi: GoogleApi = Object.freeze({
  name: "monitoring",
  endpoint: "https://monitoring.googleapis.com/v3/",
  overrideVariable: "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING",
  unreachable: "metrics-unreachable",
});

/** Cloud Run's and the balancer's figures are sampled every 60 s and visible up to 240 s later. */
const delayMs = 240_000;
const periodSeconds = 60;
/** Gauges are looked at over this span up to now, ms; the newest point counts. */
const gaugeSpanMs = 600_000;
const mostPages = 20;

export interface GooglePlatformMetricsOptions {
  readonly project: string;
  /** Prefix of the environment's resource names. */
  readonly prefix: string;
  /** Reads CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING and GOOGLE_OAUTH_ACCESS_TOKEN. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "wall">;
  /** For one answer, ms; default 30,000. */
  readonly timeoutMs?: number;
}

interface Query {
  readonly metric: string;
  readonly resource: string;
  /** Further parts of the filter, label = value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly aligner: "ALIGN_DELTA" | "ALIGN_MEAN" | "ALIGN_MAX" | "ALIGN_RATE";
  readonly reducer: "REDUCE_SUM" | "REDUCE_MAX";
  readonly groupBy?: string;
  readonly fromMs: number;
  readonly toMs: number;
}

type Ask = (query: Omit<Query, "fromMs" | "toMs">, span: "counts" | "gauges") => Promise<readonly TimeSeries[]>;
type Workload = Pick<PlatformSnapshot, "instances" | "resources" | "restarts" | "startFailures" | "queued" | "scaling">;

/** Errors: invalid-config, credentials-over-http; a read may also end with credentials-missing. */
export function createGooglePlatformMetrics(options: GooglePlatformMetricsOptions): PlatformMetrics {
  const { project, prefix, env, clock } = options;
  const client = createGoogleClient({ env, api: monitoringApi });
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };

  const list = async (query: Query, signal: AbortSignal | undefined): Promise<readonly TimeSeries[]> => {
    const found: TimeSeries[] = [];
    let pageToken = "";
    for (let page = 0; page < mostPages; page += 1) {
      const reply = await client.request({
        method: "GET",
        path: `projects/${project}/timeSeries`,
        query: { ...parameters(query), ...(pageToken !== "" && { pageToken }) },
        signal,
        ...timeout,
      });
      if (reply.status !== 200) {
        throw unreachable(`${query.metric}: ${reply.status} ${googleErrorText(reply)}`);
      }
      const parsed = timeSeriesPage.safeParse(reply.body);
      if (!parsed.success) throw unreachable(`${query.metric}: ${z.prettifyError(parsed.error)}`);
      found.push(...parsed.data.timeSeries);
      pageToken = parsed.data.nextPageToken;
      if (pageToken === "") return found;
    }
    throw unreachable(`${query.metric}: more than ${mostPages} pages`);
  };

  const unreachable = (why: string): SwitchyardError =>
    new SwitchyardError("metrics-unreachable", { message: `Cloud Monitoring of project ${project}: ${why}` });

  return {
    description: { source: `Cloud Monitoring of project ${project}`, complete: false, delayMs },
    async read(platform, since, signal) {
      const at = clock.wall();
      const ask: Ask = (query, span) =>
        list({ ...query, fromMs: span === "counts" ? since : at - gaugeSpanMs, toMs: at }, signal);
      const balancer = {
        resource: "https_lb_rule",
        labels: { "resource.labels.backend_target_name": `${prefix}-${platform}` },
        reducer: "REDUCE_SUM",
      } as const;
      const [requests, latency, workload] = await Promise.allSettled([
        ask(
          {
            ...balancer,
            metric: "loadbalancing.googleapis.com/https/request_count",
            aligner: "ALIGN_DELTA",
            groupBy: "metric.labels.response_code_class",
          },
          "counts",
        ),
        ask(
          { ...balancer, metric: "loadbalancing.googleapis.com/https/total_latencies", aligner: "ALIGN_DELTA" },
          "counts",
        ),
        workloadOf(platform, prefix, ask),
      ]);
      for (const one of [requests, latency, workload]) {
        if (one.status === "rejected" && !isUnreachable(one.reason)) throw one.reason;
      }
      // Nothing at all: the source is not there, and it is not that a figure is missing.
      if (requests.status === "rejected" && latency.status === "rejected") throw requests.reason;
      const uncounted = absent("the balancer's metrics do not tell the dark route from the users'");
      return {
        platform,
        at,
        since,
        requests: settled(requests, requestsOf),
        darkRequests: uncounted,
        firstByte: absent("the balancer's metrics have no time to the first byte"),
        latency: settled(latency, latencyOf),
        ...(workload.status === "fulfilled" ? workload.value : unreadableWorkload(reasonOf(workload.reason))),
      };
    },
  };
}

function parameters(query: Query): Readonly<Record<string, string>> {
  const filter = [
    `metric.type = "${query.metric}"`,
    `resource.type = "${query.resource}"`,
    ...Object.entries(query.labels).map(([label, value]) => `${label} = "${value}"`),
  ].join(" AND ");
  return {
    filter,
    "interval.startTime": new Date(query.fromMs).toISOString(),
    "interval.endTime": new Date(query.toMs).toISOString(),
    "aggregation.alignmentPeriod": `${periodSeconds}s`,
    "aggregation.perSeriesAligner": query.aligner,
    "aggregation.crossSeriesReducer": query.reducer,
    ...(query.groupBy !== undefined && { "aggregation.groupByFields": query.groupBy }),
  };
}

function isUnreachable(error: unknown): error is SwitchyardError {
  return error instanceof SwitchyardError && error.code === "metrics-unreachable";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function settled<Value>(
  result: PromiseSettledResult<readonly TimeSeries[]>,
  read: (series: readonly TimeSeries[]) => Reading<Value>,
): Reading<Value> {
  return result.status === "fulfilled" ? read(result.value) : unreadable(reasonOf(result.reason));
}

/** Cloud Monitoring has no series for what never happened; that is not the same as a zero that was measured. */
const noSeries = "Cloud Monitoring has no points of it in this time: no traffic, or too early";

function requestsOf(series: readonly TimeSeries[]): Reading<RequestFigures> {
  if (series.length === 0) return unreadable(noSeries);
  let [requests, errors] = [0, 0];
  for (const one of series) {
    const counted = sumOf(one);
    requests += counted;
    // 0: the client got no status; the balancer's own and the service's failures are both 500.
    if (one.metric.labels["response_code_class"] === "500") errors += counted;
  }
  return known({ requests, errors, errorsByClass: { "5xx": errors } });
}

function latencyOf(series: readonly TimeSeries[]): Reading<LatencyHistogram> {
  const histogram = histogramOf(series);
  return histogram === undefined ? unreadable(noSeries) : known(histogram);
}

function workloadOf(platform: string, prefix: string, ask: Ask): Promise<Workload> {
  if (platform === "cloud-run") return cloudRun(prefix, ask);
  if (platform === "gke") return gke(prefix, ask);
  return Promise.resolve(unreadableWorkload(`there is no platform ${platform}`));
}

function unreadableWorkload(why: string): Workload {
  const none = unreadable(why);
  return { instances: none, resources: none, restarts: none, startFailures: none, queued: none, scaling: none };
}

async function cloudRun(prefix: string, ask: Ask): Promise<Workload> {
  const service = {
    resource: "cloud_run_revision",
    labels: { "resource.labels.service_name": `${prefix}-agent` },
    reducer: "REDUCE_SUM",
  } as const;
  const run = (name: string): string => `run.googleapis.com/${name}`;
  const [count, cpu, memory, pending] = await Promise.all([
    ask({ ...service, metric: run("container/instance_count"), aligner: "ALIGN_MEAN" }, "counts"),
    ask({ ...service, metric: run("container/cpu/utilizations"), aligner: "ALIGN_DELTA" }, "gauges"),
    ask({ ...service, metric: run("container/memory/utilizations"), aligner: "ALIGN_DELTA" }, "gauges"),
    ask({ ...service, metric: run("pending_queue/pending_requests"), aligner: "ALIGN_MEAN" }, "gauges"),
  ]);
  return {
    instances: instancesOf(count),
    // Distributions over all instances: the highest bucket in use stands for the fullest one.
    resources: known({
      ...noTotals("Cloud Run measures shares only"),
      cpuShare: valueOr(fullestShare(cpu)),
      memoryShare: valueOr(fullestShare(memory)),
    }),
    restarts: absent("Cloud Run counts no restarts"),
    startFailures: absent("Cloud Run counts no failed starts"),
    queued: valueOr(latestSum(pending)),
    scaling: scalingReading(count),
  };
}

async function gke(prefix: string, ask: Ask): Promise<Workload> {
  const container = {
    resource: "k8s_container",
    labels: { "resource.labels.cluster_name": `${prefix}-gke`, "resource.labels.namespace_name": prefix },
  } as const;
  const own = (name: string): string => `kubernetes.io/container/${name}`;
  const pod = "resource.labels.pod_name";
  const [cores, memory, cpuShare, memoryShare, restarts, uptime] = await Promise.all([
    ask({ ...container, metric: own("cpu/core_usage_time"), aligner: "ALIGN_RATE", reducer: "REDUCE_SUM" }, "gauges"),
    ask({ ...container, metric: own("memory/used_bytes"), aligner: "ALIGN_MEAN", reducer: "REDUCE_SUM" }, "gauges"),
    ask({ ...container, metric: own("cpu/limit_utilization"), aligner: "ALIGN_MEAN", reducer: "REDUCE_MAX" }, "gauges"),
    ask(
      { ...container, metric: own("memory/limit_utilization"), aligner: "ALIGN_MEAN", reducer: "REDUCE_MAX" },
      "gauges",
    ),
    ask({ ...container, metric: own("restart_count"), aligner: "ALIGN_DELTA", reducer: "REDUCE_SUM" }, "counts"),
    ask({ ...container, metric: own("uptime"), aligner: "ALIGN_MAX", reducer: "REDUCE_MAX", groupBy: pod }, "counts"),
  ]);
  // One series per pod: how many of them have a point in a minute is the number of pods then.
  const pods = uptime.map((one) => ({
    ...one,
    points: one.points.map((point) => ({ ...point, value: { doubleValue: 1 } })),
  }));
  const counted = restarts.reduce((sum, one) => sum + sumOf(one), 0);
  return {
    instances: instancesOf(pods),
    resources: known({
      cores: valueOr(latestSum(cores)),
      memoryBytes: valueOr(latestSum(memory)),
      cpuShare: valueOr(latestSum(cpuShare)),
      memoryShare: valueOr(latestSum(memoryShare)),
    }),
    restarts: restarts.length === 0 ? unreadable(noSeries) : known(counted),
    startFailures: absent("Kubernetes restarts a container that does not start; see the restarts"),
    queued: absent("a Service of Kubernetes has no queue"),
    scaling: scalingReading(pods),
  };
}

function noTotals(why: string): Pick<ResourceFigures, "cores" | "memoryBytes"> {
  return { cores: absent(why), memoryBytes: absent(why) };
}

function valueOr(value: number | undefined): Reading<number> {
  return value === undefined ? unreadable(noSeries) : known(value);
}

function instancesOf(series: readonly TimeSeries[]): Reading<InstanceFigures> {
  const newest = latestSum(series);
  if (newest === undefined) return unreadable(noSeries);
  const why = "Cloud Monitoring has the number of instances alone";
  return known({ ready: Math.round(newest), starting: absent(why), wanted: absent(why), most: absent(why) });
}

/** Only the number is measured, once a minute: changes within a minute are not seen, and nobody says why. */
function scalingReading(series: readonly TimeSeries[]): PlatformSnapshot["scaling"] {
  const points = gaugePoints(series);
  return points.length === 0 ? unreadable(noSeries) : known(scalingOf(points, "seen in the number of instances"));
}
