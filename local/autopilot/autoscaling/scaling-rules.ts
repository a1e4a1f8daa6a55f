import type { Autoscaler, DeclaredRules } from "../objects/autoscaler.ts";

/** How far and how soon a size may change, as `spec.behavior` says it. */

export interface ScalingPolicy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodMs: number;
}

export interface ScalingRules {
  /** The most careful recommendation of this time decides. */
  readonly windowMs: number;
  /** Which policy decides when there are several: the one that allows most, least, or none. */
  readonly select: "Max" | "Min" | "Disabled";
  readonly policies: readonly ScalingPolicy[];
  /** A ratio of usage to target this close to 1 changes nothing. */
  readonly tolerance: number;
}

export interface ScalingBehavior {
  readonly up: ScalingRules;
  readonly down: ScalingRules;
}

const tolerance = 0.1;

/** Kubernetes' defaults: up at once by at most 4 pods or 100 % per 15 s, down by anything once 300 s have agreed. */
const defaults: ScalingBehavior = {
  up: {
    windowMs: 0,
    select: "Max",
    policies: [
      { type: "Pods", value: 4, periodMs: 15_000 },
      { type: "Percent", value: 100, periodMs: 15_000 },
    ],
    tolerance,
  },
  down: { windowMs: 300_000, select: "Max", policies: [{ type: "Percent", value: 100, periodMs: 15_000 }], tolerance },
};

/** The rules of an autoscaler: what it does not say is as Kubernetes has it (autoscaling/v2 defaults.go). */
export function scalingBehavior({ spec }: Autoscaler): ScalingBehavior {
  return {
    up: rulesOf(spec.behavior?.scaleUp, defaults.up),
    down: rulesOf(spec.behavior?.scaleDown, defaults.down),
  };
}

function rulesOf(declared: DeclaredRules | undefined, usual: ScalingRules): ScalingRules {
  const { stabilizationWindowSeconds, selectPolicy, policies, tolerance: near } = declared ?? {};
  return {
    windowMs: stabilizationWindowSeconds === undefined ? usual.windowMs : stabilizationWindowSeconds * 1000,
    select: selectPolicy ?? usual.select,
    policies:
      policies?.map(({ type, value, periodSeconds }) => ({ type, value, periodMs: periodSeconds * 1000 })) ??
      usual.policies,
    tolerance: near === undefined ? usual.tolerance : Number(near),
  };
}

/** A size that was recommended, before anything held it back. */
export interface Recommendation {
  readonly at: number;
  readonly replicas: number;
}

/** A change of size that was made; positive is up. */
export interface ScaleEvent {
  readonly at: number;
  readonly change: number;
}

export interface Held {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

/** Applies the lowest recommendation of the window upwards and the highest one downwards; nothing when neither holds back. */
export function stabilize(
  current: number,
  desired: number,
  past: readonly Recommendation[],
  now: number,
  { up, down }: ScalingBehavior,
): Held | undefined {
  const within = (windowMs: number): number[] =>
    past.filter(({ at }) => at > now - windowMs).map((one) => one.replicas);
  const lowest = Math.min(desired, ...within(up.windowMs));
  const highest = Math.max(desired, ...within(down.windowMs));
  const replicas = Math.min(Math.max(current, lowest), highest);
  if (replicas === desired) return undefined;
  return desired >= current
    ? {
        replicas,
        reason: "ScaleUpStabilized",
        message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
      }
    : {
        replicas,
        reason: "ScaleDownStabilized",
        message: "recent recommendations were higher than current one, applying the highest recent recommendation",
      };
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Keeps a size within the bounds and within what the policies allow in their periods; nothing when it is within both. */
export function limit(
  current: number,
  desired: number,
  events: readonly ScaleEvent[],
  now: number,
  behavior: ScalingBehavior,
  bounds: Bounds,
): Held | undefined {
  if (desired > current) {
    const allowed = Math.max(current, mostAfter(current, events, now, behavior.up));
    if (desired <= Math.min(allowed, bounds.max)) return undefined;
    return allowed < bounds.max
      ? {
          replicas: allowed,
          reason: "ScaleUpLimit",
          message: "the desired replica count is increasing faster than the maximum scale rate",
        }
      : {
          replicas: bounds.max,
          reason: "TooManyReplicas",
          message: "the desired replica count is more than the maximum replica count",
        };
  }
  const allowed = Math.min(current, leastAfter(current, events, now, behavior.down));
  if (desired >= Math.max(allowed, bounds.min)) return undefined;
  return allowed > bounds.min
    ? {
        replicas: allowed,
        reason: "ScaleDownLimit",
        message: "the desired replica count is decreasing faster than the maximum scale rate",
      }
    : {
        replicas: bounds.min,
        reason: "TooFewReplicas",
        message: "the desired replica count is less than the minimum replica count",
      };
}

function mostAfter(current: number, events: readonly ScaleEvent[], now: number, rules: ScalingRules): number {
  if (rules.select === "Disabled") return current;
  const sizes = rules.policies.map((policy) => {
    const before = sizeBefore(current, events, now - policy.periodMs);
    return policy.type === "Pods" ? before + policy.value : Math.ceil(before * (1 + policy.value / 100));
  });
  return rules.select === "Max" ? Math.max(...sizes) : Math.min(...sizes);
}

function leastAfter(current: number, events: readonly ScaleEvent[], now: number, rules: ScalingRules): number {
  if (rules.select === "Disabled") return current;
  const sizes = rules.policies.map((policy) => {
    const before = sizeBefore(current, events, now - policy.periodMs);
    return policy.type === "Pods" ? before - policy.value : Math.trunc(before * (1 - policy.value / 100));
  });
  return rules.select === "Max" ? Math.min(...sizes) : Math.max(...sizes);
}

/** The size at the start of a period, from the changes made since. */
function sizeBefore(current: number, events: readonly ScaleEvent[], start: number): number {
  return events.reduce((size, { at, change }) => (at > start ? size - change : size), current);
}
