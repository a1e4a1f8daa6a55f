import type { ScalingBehavior } from "./scaling-rules.ts";

/** Usage over a window of time, in thousandths (of a core, of a byte). */
export interface UsageSample {
  readonly milli: number;
  /** End of the window, ms since the epoch. */
  readonly at: number;
  readonly windowMs: number;
}

/** One pod of the target as the autoscaler sees it. Times in ms since the epoch. */
export interface ObservedPod {
  readonly name: string;
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed";
  readonly terminating: boolean;
  /** Its Ready condition, with the time of its last change; undefined before there is one. */
  readonly ready: { readonly value: boolean; readonly since: number } | undefined;
  readonly startedAt: number | undefined;
  /** What its containers request of the resource, in thousandths; undefined when one of them does not say. */
  readonly requestMilli: number | undefined;
  readonly sample: UsageSample | undefined;
}

export type MetricTarget =
  | { readonly kind: "utilization"; readonly percent: number }
  | { readonly kind: "average"; readonly milli: number };

export interface Calculated {
  readonly kind: "calculated";
  readonly replicas: number;
  /** Over the pods that count, as status shows it. */
  readonly utilization: number | undefined;
  readonly averageMilli: number;
}

export interface NotCalculated {
  readonly kind: "unknown";
  readonly message: string;
}

/** Within this time of its start a pod's CPU counts only if it was ready for the whole sample. */
const cpuInitializationMs = 5 * 60_000;
/** A pod that is unready and became so within this time of its start was never ready. */
const initialReadinessDelayMs = 30_000;

/**
 * The size that one resource metric asks for: the pods that count, times the ratio of their usage to the target, rounded up.
 * Pods without a sample count as what keeps the change small: as using what they request (at least the target) on the way down, nothing on
 * the way up; pods that are not yet ready count as using nothing on the way up. Kubernetes: concepts/workloads/autoscaling/
 * horizontal-pod-autoscale, "Algorithm details"; pkg/controller/podautoscaler/replica_calculator.go.
 */
export function replicasForResource(
  resource: "cpu" | "memory",
  pods: readonly ObservedPod[],
  current: number,
  target: MetricTarget,
  { up, down }: Pick<ScalingBehavior, "up" | "down">,
  now: number,
): Calculated | NotCalculated {
  if (pods.length === 0) return unknown("no pods returned by selector while calculating replica count");
  const counted: { readonly pod: ObservedPod; readonly milli: number }[] = [];
  const missing: ObservedPod[] = [];
  const unready: ObservedPod[] = [];
  for (const pod of pods) {
    if (pod.terminating || pod.phase === "Failed") continue;
    if (pod.phase === "Pending") unready.push(pod);
    else if (pod.sample === undefined) missing.push(pod);
    else if (resource === "cpu" && isInitializing(pod, pod.sample, now)) unready.push(pod);
    else counted.push({ pod, milli: pod.sample.milli });
  }
  const without = pods.find((pod) => target.kind === "utilization" && pod.requestMilli === undefined);
  if (without !== undefined) return unknown(`missing request for ${resource} in a container of Pod ${without.name}`);
  if (counted.length === 0) return unknown("did not receive metrics for targeted pods (pods might be unready)");

  const seen = usageRatio(counted, target);
  const result = (replicas: number): Calculated => {
    return { kind: "calculated", replicas, utilization: seen.utilization, averageMilli: seen.averageMilli };
  };
  const isNear = (ratio: number): boolean => ratio <= 1 + up.tolerance && ratio >= 1 - down.tolerance;
  const addsUnready = unready.length > 0 && seen.ratio > 1;
  if (!addsUnready && missing.length === 0) {
    return result(isNear(seen.ratio) ? current : ceil(seen.ratio * counted.length));
  }

  const assumed = [...counted];
  if (seen.ratio < 1) {
    for (const pod of missing) assumed.push({ pod, milli: assumedOnTheWayDown(pod, target) });
  } else if (seen.ratio > 1) {
    for (const pod of missing) assumed.push({ pod, milli: 0 });
  }
  if (addsUnready) for (const pod of unready) assumed.push({ pod, milli: 0 });
  const { ratio } = usageRatio(assumed, target);
  const turned = (seen.ratio < 1 && ratio > 1) || (seen.ratio > 1 && ratio < 1);
  if (isNear(ratio) || turned) return result(current);
  const replicas = ceil(ratio * assumed.length);
  const contradicts = (ratio < 1 && replicas > current) || (ratio > 1 && replicas < current);
  return result(contradicts ? current : replicas);
}

function isInitializing(pod: ObservedPod, sample: UsageSample, now: number): boolean {
  const { ready, startedAt } = pod;
  if (ready === undefined || startedAt === undefined) return true;
  if (startedAt + cpuInitializationMs > now) return !ready.value || sample.at < ready.since + sample.windowMs;
  return !ready.value && startedAt + initialReadinessDelayMs > ready.since;
}

function usageRatio(
  counted: readonly { readonly pod: ObservedPod; readonly milli: number }[],
  target: MetricTarget,
): { ratio: number; utilization: number | undefined; averageMilli: number } {
  const total = counted.reduce((sum, { milli }) => sum + milli, 0);
  const averageMilli = Math.trunc(total / counted.length);
  if (target.kind === "average") return { ratio: averageMilli / target.milli, utilization: undefined, averageMilli };
  const requested = counted.reduce((sum, { pod }) => sum + (pod.requestMilli ?? 0), 0);
  // Whole percents, as Kubernetes counts.
  const utilization = requested === 0 ? 0 : Math.trunc((total * 100) / requested);
  return { ratio: utilization / target.percent, utilization, averageMilli };
}

function assumedOnTheWayDown({ requestMilli = 0 }: ObservedPod, target: MetricTarget): number {
  return target.kind === "average" ? target.milli : (requestMilli * Math.max(100, target.percent)) / 100;
}

/** Division leaves dust: 1.1 x 10 must be 11. */
function ceil(value: number): number {
  return Math.ceil(Number(value.toFixed(9)));
}

function unknown(message: string): NotCalculated {
  return { kind: "unknown", message };
}
