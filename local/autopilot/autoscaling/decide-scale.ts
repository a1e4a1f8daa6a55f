import type { AutoscalerCondition } from "../objects/autoscaler.ts";
import type { Calculated, NotCalculated } from "./replica-calculation.ts";
import {
  type Bounds,
  type Held,
  limit,
  type Recommendation,
  type ScaleEvent,
  type ScalingBehavior,
  stabilize,
} from "./scaling-rules.ts";

/** What one metric of the autoscaler asks for. */
export interface MetricVerdict {
  /** For messages: "cpu resource utilization (percentage of request)". */
  readonly name: string;
  readonly outcome: Calculated | NotCalculated;
}

/** What an autoscaler remembers between its looks. */
export interface ScaleMemory {
  readonly recommendations: readonly Recommendation[];
  readonly events: readonly ScaleEvent[];
}

export interface ScaleObservation {
  /** spec.replicas of the target; undefined when there is no such target. */
  readonly current: number | undefined;
  readonly metrics: readonly MetricVerdict[];
  readonly bounds: Bounds;
  readonly behavior: ScalingBehavior;
  readonly memory: ScaleMemory;
  readonly now: number;
}

export type ScaleCondition = Omit<AutoscalerCondition, "lastTransitionTime">;

export interface ScaleDecision {
  /** What spec.replicas of the target should be. */
  readonly desired: number;
  readonly conditions: readonly ScaleCondition[];
  readonly memory: ScaleMemory;
}

/** Nothing asks for what is older than the longest window and period that Kubernetes accepts (3,600 s and 1,800 s). */
const rememberedMs = 3_600_000;

/**
 * One look of the HorizontalPodAutoscaler: bounds first, then the largest size that a metric asks for, held back by what was
 * recommended and done before. A metric that cannot be read stops a step down, never a step up.
 * Kubernetes: pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler.
 */
export function decideScale(observed: ScaleObservation): ScaleDecision {
  const { current, bounds, now } = observed;
  const memory = remembered(observed);
  const keep = (desired: number, conditions: readonly ScaleCondition[]): ScaleDecision => {
    return { desired, conditions, memory };
  };
  if (current === undefined) {
    return keep(0, [
      condition(
        "AbleToScale",
        "False",
        "FailedGetScale",
        "the HPA controller was unable to get the target's current scale",
      ),
    ]);
  }
  if (current === 0) {
    return keep(0, [
      ableToScale,
      condition(
        "ScalingActive",
        "False",
        "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero",
      ),
    ]);
  }
  const bounded = Math.min(Math.max(current, bounds.min), bounds.max);
  if (bounded !== current) return changed(current, bounded, [rescaled(bounded)], memory, now);

  const { asked, unknown } = largest(observed.metrics);
  if (asked === undefined || (unknown !== undefined && asked.replicas < current)) {
    return keep(current, [ableToScale, notActive(unknown)]);
  }
  const active = condition(
    "ScalingActive",
    "True",
    "ValidMetricFound",
    `the HPA was able to successfully calculate a replica count from ${asked.name}`,
  );
  const past = memory.recommendations.length > 0 ? memory.recommendations : [{ at: now, replicas: current }];
  const stable = stabilize(current, asked.replicas, past, now, observed.behavior);
  const calm = stable?.replicas ?? asked.replicas;
  const limited = limit(current, calm, memory.events, now, observed.behavior, bounds);
  const desired = limited?.replicas ?? calm;
  const next = { ...memory, recommendations: [...past, { at: now, replicas: asked.replicas }] };
  if (desired !== current) {
    return changed(current, desired, [rescaled(desired), active, scalingLimited(limited)], next, now);
  }
  const able = stable === undefined ? ableToScale : condition("AbleToScale", "True", stable.reason, stable.message);
  return { desired, conditions: [able, active, scalingLimited(limited)], memory: next };
}

function remembered({ memory, now }: ScaleObservation): ScaleMemory {
  const recent = ({ at }: { readonly at: number }): boolean => at > now - rememberedMs;
  return { recommendations: memory.recommendations.filter(recent), events: memory.events.filter(recent) };
}

function changed(
  current: number,
  desired: number,
  conditions: readonly ScaleCondition[],
  memory: ScaleMemory,
  now: number,
): ScaleDecision {
  return {
    desired,
    conditions,
    memory: { ...memory, events: [...memory.events, { at: now, change: desired - current }] },
  };
}

/** The largest size that a metric asks for, and a metric that could not be read. */
function largest(metrics: readonly MetricVerdict[]): {
  asked: { readonly replicas: number; readonly name: string } | undefined;
  unknown: MetricVerdict | undefined;
} {
  let asked: { replicas: number; name: string } | undefined;
  for (const { name, outcome } of metrics) {
    if (outcome.kind !== "calculated") continue;
    if (asked === undefined || outcome.replicas > asked.replicas) asked = { replicas: outcome.replicas, name };
  }
  return { asked, unknown: metrics.find(({ outcome }) => outcome.kind === "unknown") };
}

const ableToScale = condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");

function rescaled(replicas: number): ScaleCondition {
  return condition(
    "AbleToScale",
    "True",
    "SucceededRescale",
    `the HPA controller was able to update the target scale to ${replicas}`,
  );
}

function notActive(unknown: MetricVerdict | undefined): ScaleCondition {
  const why = unknown?.outcome.kind === "unknown" ? unknown.outcome.message : "there is no metric";
  return condition(
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    `the HPA was unable to compute the replica count: failed to get ${unknown?.name ?? "a metric"}: ${why}`,
  );
}

function scalingLimited(limited: Held | undefined): ScaleCondition {
  return limited === undefined
    ? condition("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range")
    : condition("ScalingLimited", "True", limited.reason, limited.message);
}

function condition(
  type: ScaleCondition["type"],
  status: "True" | "False",
  reason: string,
  message: string,
): ScaleCondition {
  return { type, status, reason, message };
}
