/** Metrics of the platforms of the local cloud: the local router's own counts, and what its schedulers and autoscalers know. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
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
import { assertControlConfidential, callControl } from "./control-api.ts";

const count = z.number().min(0);

const buckets = z.object({ count, sumMs: count, upTo: z.array(count) });
const side = z.object({
  requests: count,
  errors: count,
  application: count,
  gateway: count,
  firstByte: buckets,
  whole: buckets,
});
const trafficSchema = z.object({
  sides: z.record(z.string(), side),
  dark: z.record(z.string(), side),
  bucketBoundsMs: z.array(z.number()),
  since: z.number(),
});

const scaling = z.object({
  events: z.array(z.object({ at: z.number(), from: count, to: count, reason: z.string() })),
  dropped: count,
});
const workloadsSchema = z.object({
  at: z.number(),
  services: z.array(
    z.object({
      name: z.string(),
      instanceCount: count,
      startingInstances: count,
      recommendedInstances: count,
      minInstances: count,
      maxInstances: count,
      cpu: z.number(),
      memoryBytes: z.number(),
      pending: count,
      instances: z.array(z.string()),
      crashes: count,
      startFailures: count,
      scaling,
    }),
  ),
  deployments: z.array(
    z.object({
      cluster: z.string(),
      namespace: z.string(),
      name: z.string(),
      wanted: count,
      autoscaler: z.object({ min: count, max: count }).optional(),
      pods: z.array(z.object({ name: z.string(), ready: z.boolean(), restarts: count })),
      cpu: z.number().optional(),
      memoryBytes: z.number().optional(),
      scaling,
    }),
  ),
  usage: z.union([
    z.object({ processes: z.array(z.object({ name: z.string(), cpuPercent: z.number(), memoryBytes: z.number() })) }),
    z.object({ unreadable: z.string() }),
  ]),
});

type Traffic = z.infer<typeof trafficSchema>;
type Workloads = z.infer<typeof workloadsSchema>;
type Workload = Pick<PlatformSnapshot, "instances" | "resources" | "restarts" | "startFailures" | "queued" | "scaling">;

export interface LocalPlatformMetricsOptions {
  /** http://127.0.0.1:PORT of the daemon's control API. */
  readonly controlUrl: string;
  readonly token: string;
  /** The forwarding rule whose requests are counted. */
  readonly listener: string;
  /** Prefix of the environment's resource names. */
  readonly prefix: string;
  /** For one answer, ms; default 10,000. */
  readonly timeoutMs?: number;
}

/** Counts are since the local cloud started, whatever is asked for. Errors: credentials-over-http. */
export function createLocalPlatformMetrics(options: LocalPlatformMetricsOptions): PlatformMetrics {
  const { controlUrl, token, listener, prefix, timeoutMs = 10_000 } = options;
  assertControlConfidential(new URL(controlUrl));

  const ask = <Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    form: string,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<Schema>> => {
    const url = new URL(path, controlUrl);
    const unreachable = (why: string, cause?: unknown): SwitchyardError =>
      new SwitchyardError("metrics-unreachable", {
        message: `the local cloud's ${url.pathname} failed: ${why}`,
        cause,
      });
    return callControl({ url, token, schema, form, timeoutMs, signal, unreachable });
  };

  return {
    description: { source: `local cloud, balancer ${listener}`, complete: true, delayMs: 0 },
    async read(platform, _since, signal) {
      const query = new URLSearchParams({ listener });
      const [traffic, workloads] = await Promise.all([
        ask(`/traffic?${query}`, trafficSchema, "of counts", signal),
        ask("/workloads", workloadsSchema, "of workloads", signal),
      ]);
      return {
        platform,
        at: workloads.at,
        since: traffic.since,
        requests: known(requestsOf(traffic.sides[platform])),
        darkRequests: known(requestsOf(traffic.dark[platform])),
        firstByte: known(histogramOf(traffic, platform, "firstByte")),
        latency: known(histogramOf(traffic, platform, "whole")),
        ...workloadOf(platform, workloads, prefix),
      };
    },
  };
}

/** A side that the router has not met has had no request: the router counts every one. */
function requestsOf(side: Traffic["sides"][string] | undefined): RequestFigures {
  const { requests, errors, application, gateway } = side ?? { requests: 0, errors: 0, application: 0, gateway: 0 };
  return { requests, errors, errorsByClass: { application, gateway } };
}

function histogramOf(traffic: Traffic, platform: string, which: "firstByte" | "whole"): LatencyHistogram {
  const { bucketBoundsMs: boundsMs } = traffic;
  const found = traffic.sides[platform]?.[which];
  return { boundsMs, ...(found ?? { upTo: boundsMs.map(() => 0), count: 0, sumMs: 0 }) };
}

function workloadOf(platform: string, workloads: Workloads, prefix: string): Workload {
  switch (platform) {
    case "cloud-run": {
      const service = workloads.services.find(({ name }) => name.endsWith(`/services/${prefix}-agent`));
      return service === undefined ? notThere(`Cloud Run service ${prefix}-agent`) : cloudRun(service, workloads.usage);
    }
    case "gke": {
      const found = workloads.deployments.find(
        ({ cluster, namespace }) => cluster === `${prefix}-gke` && namespace === prefix,
      );
      return found === undefined ? notThere(`Deployment in cluster ${prefix}-gke`) : gke(found, workloads.usage);
    }
    default:
      return notThere(`platform ${platform}`);
  }
}

/** What does not run has no figure; it is not a platform with none of everything. */
function notThere(what: string): Workload {
  const none = absent(`there is no ${what}`);
  return { instances: none, resources: none, restarts: none, startFailures: none, queued: none, scaling: none };
}

function cloudRun(service: Workloads["services"][number], usage: Workloads["usage"]): Workload {
  const instances: InstanceFigures = {
    ready: service.instanceCount,
    starting: known(service.startingInstances),
    wanted: known(Math.max(service.recommendedInstances, service.minInstances)),
    most: known(service.maxInstances),
  };
  return {
    instances: known(instances),
    resources: resourcesOf(service.instances, usage, service.cpu, service.memoryBytes),
    restarts: known(service.crashes),
    startFailures: known(service.startFailures),
    queued: known(service.pending),
    scaling: known(service.scaling.events),
  };
}

function gke(deployment: Workloads["deployments"][number], usage: Workloads["usage"]): Workload {
  const { pods, autoscaler } = deployment;
  const ready = pods.filter((pod) => pod.ready).length;
  const instances: InstanceFigures = {
    ready,
    starting: known(pods.length - ready),
    wanted: known(deployment.wanted),
    most: autoscaler === undefined ? absent("there is no HorizontalPodAutoscaler") : known(autoscaler.max),
  };
  return {
    instances: known(instances),
    resources: resourcesOf(
      pods.map(({ name }) => name),
      usage,
      deployment.cpu,
      deployment.memoryBytes,
    ),
    restarts: known(pods.reduce((sum, { restarts }) => sum + restarts, 0)),
    startFailures: absent("Kubernetes restarts a container that does not start; see the restarts"),
    queued: absent("a Service of Kubernetes has no queue"),
    scaling: known(deployment.scaling.events),
  };
}

function resourcesOf(
  names: readonly string[],
  usage: Workloads["usage"],
  cpu: number | undefined,
  memoryBytes: number | undefined,
): Reading<ResourceFigures> {
  if ("unreadable" in usage) return unreadable(usage.unreadable);
  const used = usage.processes.filter(({ name }) => names.includes(name));
  // One that is just starting has no process yet.
  if (used.length === 0 && names.length > 0) return unreadable(`${names.length} instances were not measured yet`);
  const shareOf = (values: readonly number[], limit: number | undefined): Reading<number> =>
    limit === undefined || limit === 0
      ? absent("an instance has no limit")
      : known(values.reduce((most, value) => Math.max(most, value / limit), 0));
  const cores = used.map(({ cpuPercent }) => cpuPercent / 100);
  const memory = used.map((one) => one.memoryBytes);
  return known({
    cores: known(cores.reduce((sum, one) => sum + one, 0)),
    memoryBytes: known(memory.reduce((sum, one) => sum + one, 0)),
    cpuShare: shareOf(cores, cpu),
    memoryShare: shareOf(memory, memoryBytes),
  });
}
