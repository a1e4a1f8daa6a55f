import { expect, test } from "vitest";
import {
  decideScale,
  type ScaleMemory,
  type ScaleObservation,
} from "../../../local/autopilot/autoscaling/decide-scale.ts";

const rules = {
  windowMs: 0,
  select: "Max",
  policies: [{ type: "Percent", value: 900, periodMs: 15_000 }],
  tolerance: 0.1,
} as const;
const nothing: ScaleMemory = { recommendations: [], events: [] };
const now = 1_000_000;

function observation(
  current: number | undefined,
  asked: (number | "unknown")[],
  changes: Partial<ScaleObservation> = {},
): ScaleObservation {
  return {
    current,
    metrics: asked.map((replicas, i) => ({
      name: `metric ${i}`,
      outcome:
        replicas === "unknown"
          ? { kind: "unknown", message: "no answer" }
          : { kind: "calculated", replicas, utilization: 1, averageMilli: 1 },
    })),
    bounds: { min: 2, max: 10 },
    behavior: { up: rules, down: { ...rules, policies: [{ type: "Percent", value: 100, periodMs: 15_000 }] } },
    memory: nothing,
    now,
    ...changes,
  };
}

const reasons = (observed: ScaleObservation): string[] =>
  decideScale(observed).conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

test.for<[string, number | undefined, (number | "unknown")[], number]>([
  ["a metric that asks for more", 3, [5], 5],
  ["a metric that asks for less", 5, [3], 3],
  ["several metrics", 3, [4, 6, 2], 6],
  ["a metric beyond the maximum", 3, [40], 10],
  ["a metric below the minimum", 3, [0], 2],
  ["an unreadable metric beside one that asks for more", 3, ["unknown", 5], 5],
  ["an unreadable metric beside one that asks for less", 5, ["unknown", 3], 5],
  ["only an unreadable metric", 5, ["unknown"], 5],
  ["a size above the maximum", 12, [12], 10],
  ["a size below the minimum", 1, [1], 2],
  ["a workload that is switched off", 0, [5], 0],
  ["no target", undefined, [5], 0],
])("given %s, of %s pods and %s asked for", ([, current, asked, desired]) => {
  expect(decideScale(observation(current, asked)).desired).toBe(desired);
});

test("given a step, the conditions say that it was made", () => {
  expect(reasons(observation(3, [5]))).toEqual([
    "AbleToScale=True SucceededRescale",
    "ScalingActive=True ValidMetricFound",
    "ScalingLimited=False DesiredWithinRange",
  ]);
  expect(reasons(observation(3, [40]))[2]).toBe("ScalingLimited=True TooManyReplicas");
});

test.for<[string, ScaleObservation, string]>([
  ["no target", observation(undefined, [5]), "AbleToScale=False FailedGetScale"],
  ["a workload that is switched off", observation(0, [5]), "ScalingActive=False ScalingDisabled"],
  ["an unreadable metric", observation(5, ["unknown"]), "ScalingActive=False FailedGetResourceMetric"],
])("given %s, the conditions say so", ([, observed, reason]) => {
  expect(reasons(observed)).toContain(reason);
});

test("given a step down after a step up, it waits until the window agrees", () => {
  const behavior = { ...observation(3, []).behavior, down: { ...rules, windowMs: 60_000 } };
  const first = decideScale(observation(3, [6], { behavior }));
  const second = decideScale(observation(6, [3], { behavior, memory: first.memory, now: now + 30_000 }));
  expect([second.desired, second.conditions[0]?.reason]).toEqual([6, "ScaleDownStabilized"]);
  const third = decideScale(observation(6, [3], { behavior, memory: second.memory, now: now + 60_000 }));
  expect(third.desired).toBe(3);
});

test("given an autoscaler that has never looked, the present size counts as recommended", () => {
  const behavior = { ...observation(3, []).behavior, down: { ...rules, windowMs: 60_000 } };
  expect(decideScale(observation(6, [3], { behavior })).desired).toBe(6);
});

test("given what is older than an hour, it is forgotten", () => {
  const memory: ScaleMemory = {
    recommendations: [{ at: now - 3_600_000, replicas: 3 }],
    events: [{ at: now - 3_600_000, change: 1 }],
  };
  const { memory: kept } = decideScale(observation(3, [3], { memory }));
  expect(kept.events).toEqual([]);
  expect(kept.recommendations.every(({ at }) => at === now)).toBe(true);
});
