import fc from "fast-check";
import { expect, test } from "vitest";
import {
  limit,
  type ScalingBehavior,
  scalingBehavior,
  stabilize,
} from "../../../local/autopilot/autoscaling/scaling-rules.ts";
import { autoscalerSchema } from "../../../local/autopilot/objects/autoscaler.ts";

function behavior(declared?: object): ScalingBehavior {
  return scalingBehavior(
    autoscalerSchema.parse({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "kiro" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "kiro" }, maxReplicas: 100, behavior: declared },
    }),
  );
}

const now = 1_000_000;
const bounds = { min: 1, max: 100 };
const ago = (seconds: number): number => now - seconds * 1000;

test.for([
  ["one pod", 1, 5],
  ["four pods", 4, 8],
  ["ten pods", 10, 20],
] as const)(
  "given %s and no behavior, at most the larger of 4 pods and 100 percent is added per 15 s",
  ([, current, most]) => {
    expect(limit(current, 99, [], now, behavior(), bounds)).toMatchObject({ replicas: most, reason: "ScaleUpLimit" });
    const step = [{ at: ago(5), change: most - current }];
    expect(limit(most, 99, step, now, behavior(), bounds)).toMatchObject({ replicas: most });
    const older = [{ at: ago(15), change: most - current }];
    expect(limit(most, 99, older, now, behavior(), bounds)?.replicas).toBeGreaterThan(most);
  },
);

test("given no behavior, a step down may be of any size, once 300 s agree with it", () => {
  const past = [{ at: ago(299), replicas: 8 }];
  expect(stabilize(10, 2, past, now, behavior())).toMatchObject({ replicas: 8, reason: "ScaleDownStabilized" });
  expect(stabilize(10, 2, [{ at: ago(300), replicas: 8 }], now, behavior())).toBeUndefined();
  expect(limit(10, 2, [], now, behavior(), bounds)).toBeUndefined();
});

// The documentation's examples: concepts/workloads/autoscaling/horizontal-pod-autoscale, "Configurable scaling behavior".
test("given the documented policies of 4 pods and 10 % per minute, 80 pods go down by 8, then 8, then 7", () => {
  const declared = {
    scaleDown: {
      policies: [
        { type: "Pods", value: 4, periodSeconds: 60 },
        { type: "Percent", value: 10, periodSeconds: 60 },
      ],
    },
  };
  const sizes = [80];
  for (let i = 0; i < 5; i += 1) {
    const current = sizes.at(-1) ?? 0;
    sizes.push(limit(current, 10, [], now, behavior(declared), bounds)?.replicas ?? 10);
  }
  // As the controller does it, a share of pods is cut towards the smaller size.
  expect(sizes).toEqual([80, 72, 64, 57, 51, 45]);
});

test("given selectPolicy Min, the policy that changes least decides, and Disabled changes nothing", () => {
  const policies = [
    { type: "Pods", value: 4, periodSeconds: 60 },
    { type: "Percent", value: 10, periodSeconds: 60 },
  ];
  expect(limit(80, 10, [], now, behavior({ scaleDown: { selectPolicy: "Min", policies } }), bounds)).toMatchObject({
    replicas: 76,
    reason: "ScaleDownLimit",
  });
  expect(limit(80, 10, [], now, behavior({ scaleDown: { selectPolicy: "Disabled" } }), bounds)?.replicas).toBe(80);
  expect(limit(2, 10, [], now, behavior({ scaleUp: { selectPolicy: "Disabled" } }), bounds)?.replicas).toBe(2);
});

test("given a window upwards, the lowest recommendation in it decides", () => {
  const up = behavior({ scaleUp: { stabilizationWindowSeconds: 60 } });
  expect(stabilize(3, 9, [{ at: ago(30), replicas: 5 }], now, up)).toMatchObject({
    replicas: 5,
    reason: "ScaleUpStabilized",
  });
  expect(stabilize(3, 9, [{ at: ago(60), replicas: 5 }], now, up)).toBeUndefined();
  expect(stabilize(3, 9, [{ at: ago(30), replicas: 2 }], now, up)?.replicas).toBe(3);
});

test("given part of a behavior, the rest is Kubernetes' default", () => {
  expect(behavior({ scaleDown: { stabilizationWindowSeconds: 5 } })).toEqual({
    ...behavior(),
    down: { ...behavior().down, windowMs: 5000 },
  });
});

test.for([
  ["more than the maximum", 8, 200, { min: 2, max: 10 }, 10, "TooManyReplicas"],
  ["less than the minimum", 8, 0, { min: 2, max: 10 }, 2, "TooFewReplicas"],
] as const)("given a size of %s, the bound is taken", ([, current, desired, limits, replicas, reason]) => {
  expect(limit(current, desired, [], now, behavior(), limits)).toMatchObject({ replicas, reason });
});

test("given any past and any wish, the result lies between the present size and the wish, and within the bounds", () => {
  const size = fc.integer({ min: 1, max: 100 });
  const at = fc.integer({ min: ago(400), max: now });
  fc.assert(
    fc.property(
      size,
      size,
      fc.array(fc.record({ at, replicas: size })),
      fc.array(fc.record({ at, change: fc.integer({ min: -20, max: 20 }) })),
      (current, desired, past, events) => {
        const calm = stabilize(current, desired, past, now, behavior())?.replicas ?? desired;
        const result = limit(current, calm, events, now, behavior(), bounds)?.replicas ?? calm;
        expect(result).toBeGreaterThanOrEqual(Math.max(1, Math.min(current, desired)));
        expect(result).toBeLessThanOrEqual(Math.min(100, Math.max(current, desired)));
      },
    ),
  );
});
