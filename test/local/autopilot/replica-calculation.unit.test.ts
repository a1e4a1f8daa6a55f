import { expect, test } from "vitest";
import {
  type MetricTarget,
  type ObservedPod,
  replicasForResource,
} from "../../../local/autopilot/autoscaling/replica-calculation.ts";

const now = 10_000_000;
const rules = { windowMs: 0, select: "Max", policies: [], tolerance: 0.1 } as const;
const half: MetricTarget = { kind: "utilization", percent: 50 };

/** A pod that has been ready for an hour and uses that many thousandths of the core that it requests. */
function pod(milli: number | undefined, changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: "pod",
    phase: "Running",
    terminating: false,
    ready: { value: true, since: now - 3_600_000 },
    startedAt: now - 3_601_000,
    requestMilli: 1000,
    sample: milli === undefined ? undefined : { milli, at: now, windowMs: 15_000 },
    ...changes,
  };
}

function desired(pods: readonly ObservedPod[], target = half, resource: "cpu" | "memory" = "cpu") {
  return replicasForResource(resource, pods, pods.length, target, { up: rules, down: rules }, now);
}

const many = (count: number, milli: number | undefined, changes: Partial<ObservedPod> = {}): ObservedPod[] =>
  Array.from({ length: count }, () => pod(milli, changes));

const young = { ready: { value: true, since: now - 10_000 }, startedAt: now - 20_000 };
const starting = { ready: { value: false, since: now - 20_000 }, startedAt: now - 20_000 };

test.for<[string, ObservedPod[], number]>([
  ["twice the target", many(3, 1000), 6],
  ["half the target", many(4, 250), 2],
  ["a fraction above a whole pod", many(3, 700), 5],
  ["10 % above the target", many(3, 550), 3],
  ["12 % above the target", many(3, 560), 4],
  ["10 % below the target", many(10, 450), 10],
  ["12 % below the target", many(10, 440), 9],
  ["nothing at all", many(3, 0), 0],
  ["the average on the target", [pod(100), pod(900)], 2],
])("given pods that use %s, the size is the ratio times the pods, rounded up", ([, pods, replicas]) => {
  expect(desired(pods)).toMatchObject({ kind: "calculated", replicas });
});

test("given usage, status shows whole percents of the request and the average", () => {
  expect(desired([pod(333), pod(334)])).toMatchObject({ utilization: 33, averageMilli: 333 });
});

test.for<[string, ObservedPod[], number]>([
  ["above the target counts as using nothing", [...many(2, 900), pod(undefined)], 4],
  ["below the target counts as using its whole request", [...many(4, 100), pod(undefined)], 3],
  ["stops a step up that would turn into a step down", [pod(600), pod(undefined)], 2],
  ["stops a step down that would turn into a step up", [pod(300), pod(undefined)], 2],
])("given a pod without a sample, on the way %s", ([, pods, replicas]) => {
  expect(desired(pods)).toMatchObject({ replicas });
});

test.for<[string, Partial<ObservedPod>]>([
  ["is not ready yet", starting],
  ["was not ready for the whole sample", young],
  ["is pending", { phase: "Pending", ready: undefined, startedAt: undefined }],
])("given a pod that %s, it dampens a step up and is left out of a step down", ([, changes]) => {
  expect(desired([...many(2, 900), pod(1000, changes)])).toMatchObject({ replicas: 4, utilization: 90 });
  expect(desired([...many(4, 100), pod(1000, changes)])).toMatchObject({ replicas: 1, utilization: 10 });
});

test("given a pod that has been ready for a whole sample, it counts although it is young", () => {
  const ready = { ready: { value: true, since: now - 15_000 }, startedAt: now - 20_000 };
  expect(desired([pod(1000, ready)])).toMatchObject({ replicas: 2 });
});

test("given a pod that was ready and is not any more, its use counts", () => {
  const unwell = { ready: { value: false, since: now - 60_000 } };
  expect(desired([pod(1000, unwell), pod(1000)])).toMatchObject({ replicas: 4 });
});

test("given memory, a young pod counts", () => {
  expect(desired(many(1, 1000, young), half, "memory")).toMatchObject({ replicas: 2 });
});

test("given pods that end or have failed, they are left out", () => {
  const pods = [pod(1000), pod(1000, { terminating: true }), pod(1000, { phase: "Failed" })];
  expect(replicasForResource("cpu", pods, 1, half, { up: rules, down: rules }, now)).toMatchObject({ replicas: 2 });
});

test("given an average value as the target, requests do not matter", () => {
  const target: MetricTarget = { kind: "average", milli: 200 };
  expect(desired(many(2, 500, { requestMilli: undefined }), target)).toEqual({
    kind: "calculated",
    replicas: 5,
    utilization: undefined,
    averageMilli: 500,
  });
});

test.for<[string, ObservedPod[], RegExp]>([
  ["no pods", [], /no pods/],
  ["a container that requests nothing", [pod(100), pod(100, { requestMilli: undefined })], /missing request for cpu/],
  ["no sample of any pod", many(2, undefined), /did not receive metrics/],
  ["only pods that are not ready yet", many(2, 100, starting), /did not receive metrics/],
])("given %s, there is no answer", ([, pods, message]) => {
  expect(desired(pods)).toEqual({ kind: "unknown", message: expect.stringMatching(message) });
});
