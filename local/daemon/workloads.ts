/** What runs on each platform now, with what it uses and what its autoscaler did: what a metrics pipeline would collect. */
import type { Cluster, ClusterObservation } from "../autopilot/cluster.ts";
import { selectorMatches } from "../autopilot/objects/label-selector.ts";
import { isPodActive, isPodReady, type Pod } from "../autopilot/objects/pod.ts";
import { parseQuantity } from "../autopilot/objects/quantity.ts";
import type { CloudRun } from "../cloud-run/cloud-run.ts";
import type { ServiceMetrics } from "../cloud-run/service-metrics.ts";
import type { InstanceUsage, Runtime } from "../runtime/runtime.ts";
import type { ScalingLog } from "../runtime/scaling-log.ts";

type Scaling = ReturnType<ScalingLog["list"]>;

/** Of one process. */
export interface ProcessUse {
  readonly name: string;
  /** Of one core. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
}

export interface DeploymentNow {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** spec.replicas */
  readonly wanted: number;
  readonly autoscaler: { readonly min: number; readonly max: number } | undefined;
  readonly pods: readonly { readonly name: string; readonly ready: boolean; readonly restarts: number }[];
  /** What one pod may use; undefined where it does not say. */
  readonly cpu: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly scaling: Scaling;
}

/** GET /workloads */
export interface Workloads {
  /** ms since the epoch. */
  readonly at: number;
  readonly services: readonly ServiceMetrics[];
  readonly deployments: readonly DeploymentNow[];
  /** Or why it cannot be read. */
  readonly usage: { readonly processes: readonly ProcessUse[] } | { readonly unreadable: string };
}

export interface WorkloadSources {
  readonly cloudRun: Pick<CloudRun, "metrics">;
  readonly clusters: readonly Pick<Cluster, "name" | "observe">[];
  readonly runtime: Pick<Runtime, "usage">;
  readonly now: number;
}

export async function workloadsNow({ cloudRun, clusters, runtime, now }: WorkloadSources): Promise<Workloads> {
  return {
    at: now,
    services: cloudRun.metrics(),
    deployments: clusters.flatMap(({ name, observe }) => deploymentsOf(name, observe())),
    usage: await usageOf(runtime),
  };
}

async function usageOf(runtime: Pick<Runtime, "usage">): Promise<Workloads["usage"]> {
  let usage: readonly InstanceUsage[];
  try {
    usage = await runtime.usage();
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
  return { processes: usage.map(({ name, cpuPercent, memoryBytes }) => ({ name, cpuPercent, memoryBytes })) };
}

function deploymentsOf(cluster: string, observed: ClusterObservation): readonly DeploymentNow[] {
  return observed.deployments.map(({ metadata, spec }) => {
    const { namespace, name } = metadata;
    const scaler = observed.autoscalers.find(
      ({ metadata: { namespace: place }, spec: { scaleTargetRef: target } }) =>
        place === namespace && target.kind === "Deployment" && target.name === name,
    );
    const pods = observed.pods.filter(
      (pod) =>
        pod.metadata.namespace === namespace && isPodActive(pod) && selectorMatches(spec.selector, pod.metadata.labels),
    );
    const { containers } = spec.template.spec;
    const limit = (resource: "cpu" | "memory"): number | undefined => {
      const each = containers.map(({ resources }) => parseQuantity(resources.limits?.[resource] ?? ""));
      return each.reduce<number | undefined>(
        (sum, one) => (sum === undefined || one === undefined ? undefined : sum + one),
        0,
      );
    };
    const { events, dropped } = observed.scaling;
    const own = scaler === undefined ? "" : `${scaler.metadata.namespace}/${scaler.metadata.name}`;
    return {
      cluster,
      namespace,
      name,
      wanted: spec.replicas,
      autoscaler: scaler === undefined ? undefined : { min: scaler.spec.minReplicas, max: scaler.spec.maxReplicas },
      pods: pods.map((pod) => ({ name: pod.metadata.name, ready: isPodReady(pod), restarts: restartsOf(pod) })),
      cpu: limit("cpu"),
      memoryBytes: limit("memory"),
      scaling: { events: events.filter(({ target }) => target === own), dropped },
    };
  });
}

function restartsOf({ status }: Pod): number {
  return status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}
