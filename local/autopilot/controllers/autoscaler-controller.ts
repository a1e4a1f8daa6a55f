import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { ScalingLog } from "../../runtime/scaling-log.ts";
import { decideScale, type MetricVerdict, type ScaleCondition, type ScaleMemory } from "../autoscaling/decide-scale.ts";
import { PodMetrics } from "../autoscaling/pod-metrics.ts";
import { type MetricTarget, type ObservedPod, replicasForResource } from "../autoscaling/replica-calculation.ts";
import { type ScalingBehavior, scalingBehavior } from "../autoscaling/scaling-rules.ts";
import type { Controller } from "../control-loop.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Autoscaler, AutoscalerCondition, CurrentMetric, MetricSpec } from "../objects/autoscaler.ts";
import { AUTOSCALER, DEPLOYMENT, POD } from "../objects/kinds.ts";
import { selectorMatches } from "../objects/label-selector.ts";
import { timestamp } from "../objects/metadata.ts";
import { type Pod, podCondition } from "../objects/pod.ts";
import { parseQuantity } from "../objects/quantity.ts";
import type { Deployment } from "../objects/workloads.ts";

/** What kube-controller-manager takes by default (--horizontal-pod-autoscaler-sync-period). */
export const defaultSyncMs = 15_000;

export interface AutoscalerControllerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, "usage">;
  /** ms between two looks; asked after each. */
  readonly syncMs: () => number;
}

export interface AutoscalerController extends Controller {
  /** What it changed, oldest first. */
  scaling(): ReturnType<ScalingLog["list"]>;
  close(): void;
}

type Resource = "cpu" | "memory";

/**
 * HorizontalPodAutoscaler -> spec.replicas of Deployments, by the CPU and memory that the pods' processes really use. Bounds
 * hold at once, metrics at each look.
 */
export function createAutoscalerController(options: AutoscalerControllerOptions): AutoscalerController {
  const { store, clock, runtime } = options;
  const metrics = new PodMetrics();
  /** By the autoscaler's uid. */
  const memories = new Map<string, ScaleMemory>();
  const scaling = new ScalingLog();
  let timer: Timer | undefined;
  let closed = false;

  /** Looks come only while there is something to look at. */
  function schedule(): void {
    if (closed || timer !== undefined || store.list(AUTOSCALER).length === 0) return;
    timer = clock.setTimeout(() => void sync(), options.syncMs());
  }

  async function sync(): Promise<void> {
    try {
      metrics.take(await runtime.usage(), clock.now());
    } catch (error) {
      // As with a metrics server that does not answer: without samples nothing is scaled by metrics.
      metrics.take([], clock.now());
      process.emitWarning(`The pods' usage cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (closed) return;
    for (const autoscaler of store.list(AUTOSCALER)) look(autoscaler);
    const known = new Set(store.list(AUTOSCALER).map(({ metadata }) => metadata.uid));
    for (const uid of memories.keys()) if (!known.has(uid)) memories.delete(uid);
    timer = undefined;
    schedule();
  }

  function targetOf({ metadata, spec }: Autoscaler): Deployment | undefined {
    const { kind, name } = spec.scaleTargetRef;
    const found = kind === "Deployment" ? store.get(DEPLOYMENT, metadata.namespace, name) : undefined;
    return found?.metadata.deletionTimestamp === undefined ? found : undefined;
  }

  function look(autoscaler: Autoscaler): void {
    const { uid } = autoscaler.metadata;
    const deployment = targetOf(autoscaler);
    const behavior = scalingBehavior(autoscaler);
    const now = clock.now();
    const outcomes = autoscaler.spec.metrics.map((metric) => outcomeOf(metric, deployment, behavior, now));
    const decision = decideScale({
      current: deployment?.spec.replicas,
      metrics: outcomes.map(({ verdict }) => verdict),
      bounds: { min: autoscaler.spec.minReplicas, max: autoscaler.spec.maxReplicas },
      behavior,
      memory: memories.get(uid) ?? { recommendations: [], events: [] },
      now,
    });
    memories.set(uid, decision.memory);
    const currentMetrics = outcomes.flatMap(({ shown }) => shown ?? []);
    report(autoscaler, deployment, decision.desired, decision.conditions, currentMetrics);
    if (deployment !== undefined) {
      const { namespace, name } = autoscaler.metadata;
      const from = deployment.spec.replicas;
      const { desired: to } = decision;
      scaling.add({
        at: now,
        target: `${namespace}/${name}`,
        from,
        to,
        reason: reasonOf(decision.conditions, from, to),
      });
    }
    resize(deployment, decision.desired);
  }

  function outcomeOf(
    metric: MetricSpec,
    deployment: Deployment | undefined,
    behavior: ScalingBehavior,
    now: number,
  ): { readonly verdict: MetricVerdict; readonly shown?: CurrentMetric } {
    const target = targetOfMetric(metric);
    if (target === undefined) {
      const message = "the local cluster scales by the resources cpu and memory, with a Utilization or an AverageValue";
      return { verdict: { name: `${metric.type} metric`, outcome: { kind: "unknown", message } } };
    }
    const { resource } = target;
    const kind = target.target.kind === "utilization" ? "utilization (percentage of request)" : "";
    const name = `${resource} resource ${kind}`.trim();
    const pods = deployment === undefined ? [] : podsOf(deployment).map((pod) => observe(pod, resource));
    const replicas = deployment?.spec.replicas ?? 0;
    const outcome = replicasForResource(resource, pods, replicas, target.target, behavior, now);
    if (outcome.kind === "unknown") return { verdict: { name, outcome } };
    const { utilization, averageMilli } = outcome;
    const averageValue = resource === "cpu" ? `${averageMilli}m` : String(Math.trunc(averageMilli / 1000));
    const current = { ...(utilization !== undefined && { averageUtilization: utilization }), averageValue };
    return { verdict: { name, outcome }, shown: { type: "Resource", resource: { name: resource, current } } };
  }

  function podsOf({ metadata, spec }: Deployment): readonly Pod[] {
    return store.list(POD, metadata.namespace).filter((pod) => selectorMatches(spec.selector, pod.metadata.labels));
  }

  function observe(pod: Pod, resource: Resource): ObservedPod {
    const ready = podCondition(pod, "Ready");
    return {
      name: pod.metadata.name,
      phase: pod.status.phase,
      terminating: pod.metadata.deletionTimestamp !== undefined,
      ready:
        ready === undefined
          ? undefined
          : { value: ready.status === "True", since: Date.parse(ready.lastTransitionTime) },
      startedAt: pod.status.startTime === undefined ? undefined : Date.parse(pod.status.startTime),
      requestMilli: requestOf(pod, resource),
      sample: metrics.of(pod.metadata.name)?.[resource],
    };
  }

  function resize(deployment: Deployment | undefined, replicas: number): void {
    if (deployment === undefined || deployment.spec.replicas === replicas) return;
    store.update(DEPLOYMENT, { ...deployment, spec: { ...deployment.spec, replicas } }, "spec");
  }

  function report(
    autoscaler: Autoscaler,
    deployment: Deployment | undefined,
    desired: number,
    conditions: readonly ScaleCondition[],
    currentMetrics: CurrentMetric[],
  ): void {
    const before = autoscaler.status;
    const now = timestamp(clock.now());
    const isChange = deployment !== undefined && deployment.spec.replicas !== desired;
    const told = conditions.map((next): AutoscalerCondition => {
      const known = before.conditions.find(({ type, status }) => type === next.type && status === next.status);
      return { ...next, lastTransitionTime: known?.lastTransitionTime ?? now };
    });
    const status = {
      ...before,
      currentReplicas: deployment?.status.replicas ?? 0,
      desiredReplicas: desired,
      currentMetrics,
      conditions: told,
      ...(isChange && { lastScaleTime: now }),
    };
    store.update(AUTOSCALER, { ...autoscaler, status }, "status");
  }

  return {
    scaling: () => scaling.list(),
    reconcile() {
      schedule();
      for (const autoscaler of store.list(AUTOSCALER)) {
        const { minReplicas, maxReplicas } = autoscaler.spec;
        const deployment = targetOf(autoscaler);
        const current = deployment?.spec.replicas ?? 0;
        const isOutside = current > 0 && (current < minReplicas || current > maxReplicas);
        // A first look tells how it stands, before there is a sample.
        if (isOutside || autoscaler.status.conditions.length === 0) look(autoscaler);
        else if (deployment?.status.replicas !== autoscaler.status.currentReplicas) {
          const status = { ...autoscaler.status, currentReplicas: deployment?.status.replicas ?? 0 };
          store.update(AUTOSCALER, { ...autoscaler, status }, "status");
        }
      }
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/** As Kubernetes says it in the event SuccessfulRescale: what drove the change, or the bound that was crossed. */
function reasonOf(conditions: readonly ScaleCondition[], from: number, to: number): string {
  const active = conditions.find(({ type, status }) => type === "ScalingActive" && status === "True");
  if (active === undefined) return to > from ? "below the minimum" : "above the maximum";
  const metric = active.message.split("from ").at(-1) ?? "a metric";
  return to > from ? `${metric} above target` : "all metrics below target";
}

function targetOfMetric({ type, resource }: MetricSpec): { resource: Resource; target: MetricTarget } | undefined {
  if (type !== "Resource" || resource === undefined) return undefined;
  const { name, target } = resource;
  if (name !== "cpu" && name !== "memory") return undefined;
  const { averageUtilization, averageValue } = target;
  if (target.type === "Utilization" && averageUtilization !== undefined) {
    return { resource: name, target: { kind: "utilization", percent: averageUtilization } };
  }
  const value = averageValue === undefined ? undefined : parseQuantity(averageValue);
  if (target.type !== "AverageValue" || value === undefined) return undefined;
  return { resource: name, target: { kind: "average", milli: value * 1000 } };
}

/** What the pod's containers request together, in thousandths; undefined when one of them does not say. */
function requestOf(pod: Pod, resource: Resource): number | undefined {
  let sum = 0;
  for (const { resources } of pod.spec.containers) {
    const request = parseQuantity(resources.requests?.[resource] ?? "");
    if (request === undefined) return undefined;
    sum += request * 1000;
  }
  return sum;
}
