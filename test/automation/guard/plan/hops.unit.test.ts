import { describe, expect, test } from "vitest";
import { planHops, type Route, type Step } from "../../../../automation/guard/plan/hops.ts";
import { eksSupport, istioSupport, type Strategy, strategies } from "../../../../automation/guard/plan/support.ts";
import {
  type Minor,
  minorOf,
  parseMinor,
  parseVersion,
  type Version,
} from "../../../../automation/guard/plan/versions.ts";

const version = (text: string): Version => {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} is no version`);
  return parsed;
};

const route = (from: string, to: string, kubernetes: Minor, strategy: Strategy, ambient = false): Route =>
  planHops({ from: version(from), to: version(to), kubernetes, strategy, ambient });

/** `1.30`, `eks 1.32`. */
const words = (steps: readonly Step[]): readonly string[] =>
  steps.map((step) => (step.kind === "istio" ? (parseMinor(step.to) ?? step.to) : `eks ${step.to}`));

const shortOf = (found: Route): readonly string[] | string =>
  found.kind === "route" ? words(found.steps) : found.reason;

/**
 * By trying everything: all ways that are allowed, then the best one. Knows the tables and the five rules, and nothing of the
 * planner.
 */
function oracle(
  from: number,
  to: number,
  kubernetes: number,
  strategy: Strategy,
  ambient: boolean,
): readonly string[] | string {
  if (to < from) return "downgrade";
  if (from === to) return [];
  const windows = new Map(
    istioSupport.map((row) => [
      Number(row.minor.slice(2)),
      [Number(row.kubernetes.from.slice(2)), Number(row.kubernetes.to.slice(2))] as const,
    ]),
  );
  const holds = (istio: number, k8s: number): boolean => {
    const [low, high] = windows.get(istio) ?? [0, -1];
    return low <= k8s && k8s <= high;
  };
  const ways: (readonly string[])[] = [];
  const walk = (istio: number, k8s: number, way: readonly string[]): void => {
    if (istio === to) {
      ways.push(way);
      return;
    }
    for (const by of strategy === "revision" && !ambient ? [1, 2] : [1])
      if (istio + by <= to && holds(istio + by, k8s) && (holds(istio, k8s) || istio === from))
        walk(istio + by, k8s, [...way, `1.${istio + by}`]);
    if (k8s + 1 <= (windows.get(istio)?.[1] ?? 0)) walk(istio, k8s + 1, [...way, `eks 1.${k8s + 1}`]);
  };
  walk(from, kubernetes, []);
  const hops = (way: readonly string[]): number => way.filter((one) => !one.startsWith("eks")).length;
  // The longer hop first, then EKS as late as possible: at the first place where two ways differ.
  const first = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((one, index) => one !== b[index]);
    return at < 0 ? 0 : (b[at] ?? 0) - (a[at] ?? 0);
  };
  const reached = (way: readonly string[]): readonly number[] =>
    way.flatMap((one) => (one.startsWith("eks") ? [] : [Number(one.slice(2))]));
  const hopHere = (way: readonly string[]): readonly number[] => way.map((one) => (one.startsWith("eks") ? 0 : 1));
  const later = (a: readonly string[], b: readonly string[]): number =>
    first(reached(a), reached(b)) || first(hopHere(a), hopHere(b));
  const better = (a: readonly string[], b: readonly string[]): number =>
    hops(a) - hops(b) || a.length - b.length || later(a, b);
  const [any, ...others] = ways;
  return any === undefined ? "no-way" : others.reduce((best, way) => (better(way, best) < 0 ? way : best), any);
}

const minors = istioSupport.map(({ minor }) => Number(minor.slice(2)));
const clusters = eksSupport.map(({ minor }) => minor);

describe("the hop planner", () => {
  test("agrees with trying everything, for all pairs 1.22 to 1.31, Kubernetes 1.27 to 1.36, both strategies", () => {
    let routes = 0;
    for (const strategy of strategies)
      for (const ambient of [false, true])
        for (const kubernetes of clusters)
          for (const from of minors)
            for (const to of minors) {
              const found = route(`1.${from}.0`, to === 30 ? "1.30.5" : `1.${to}.0`, kubernetes, strategy, ambient);
              const expected = oracle(from, to, Number(kubernetes.slice(2)), strategy, ambient);
              // Patches of one minor are not the oracle's.
              if (from === to) continue;
              expect(shortOf(found), `1.${from} to 1.${to} on ${kubernetes}, ${strategy}, ambient ${ambient}`).toEqual(
                expected,
              );
              if (found.kind === "route") routes += 1;
            }
    expect(routes).toBeGreaterThan(300);
  });

  test("1.26 to 1.31 is five hops in place and three by revision, with EKS steps in between", () => {
    expect(shortOf(route("1.26.8", "1.31.1", "1.31", "in-place"))).toEqual([
      "1.27",
      "1.28",
      "1.29",
      "eks 1.32",
      "1.30",
      "1.31",
    ]);
    expect(shortOf(route("1.26.8", "1.31.1", "1.31", "revision"))).toEqual(["1.28", "eks 1.32", "1.30", "1.31"]);
    expect(shortOf(route("1.26.8", "1.31.1", "1.31", "revision", true))).toHaveLength(6);
  });

  test("names patches in between, the cluster's minor, and why EKS moves", () => {
    expect(route("1.28.1", "1.30.5", "1.30", "in-place")).toEqual({
      kind: "route",
      startsOutside: false,
      steps: [
        { kind: "kubernetes", from: "1.30", to: "1.31", why: "Istio 1.29 needs Kubernetes 1.31 to 1.35" },
        { kind: "istio", from: "1.28.1", to: "1.29.8", kubernetes: "1.31" },
        { kind: "kubernetes", from: "1.31", to: "1.32", why: "Istio 1.30 needs Kubernetes 1.32 to 1.36" },
        { kind: "istio", from: "1.29.8", to: "1.30.5", kubernetes: "1.32" },
      ],
    });
  });

  test("a patch is one hop, and nothing to do is no step", () => {
    expect(shortOf(route("1.30.3", "1.30.5", "1.33", "in-place"))).toEqual(["1.30"]);
    expect(shortOf(route("1.30.5", "1.30.5", "1.33", "in-place"))).toEqual([]);
  });

  test("a cluster that is past its window gets a way when the next version holds it", () => {
    // 1.24 ends at Kubernetes 1.31; 1.26 goes to 1.33.
    expect(route("1.24.6", "1.26.8", "1.33", "revision")).toMatchObject({ kind: "route", startsOutside: true });
    expect(route("1.24.6", "1.26.8", "1.33", "in-place")).toMatchObject({ kind: "none", reason: "no-way" });
  });

  test.each([
    ["1.31.1", "1.30.5", "1.33", "downgrade", /1\.30\.5 is below 1\.31\.1/],
    ["1.30.5", "1.32.0", "1.33", "unknown-istio", /Istio 1\.32 is not in the support table \(1\.22 to 1\.31\)/],
    ["1.30.5", "2.0.0", "1.33", "unknown-istio", /Istio 2\.0/],
    ["1.30.5", "1.31.1", "1.26", "unknown-kubernetes", /Kubernetes 1\.26 is not in the EKS table/],
    ["1.29.8", "1.30.1", "1.33", "denied", /1\.30\.1 is on the deny-list/],
  ] as const)("from %s to %s on %s there is no way: %s", (from, to, kubernetes, reason, message) => {
    const found = route(from, to, kubernetes, "in-place");
    expect(found).toMatchObject({ kind: "none", reason });
    if (found.kind === "none") expect(found.message).toMatch(message);
  });

  test("every step of every route is supported: windows, skips, one EKS minor at a time", () => {
    for (const strategy of strategies)
      for (const kubernetes of clusters)
        for (const from of minors)
          for (const to of minors.filter((one) => one > from)) {
            const found = route(`1.${from}.0`, to === 30 ? "1.30.5" : `1.${to}.0`, kubernetes, strategy);
            if (found.kind !== "route" || found.startsOutside) continue;
            let at = Number(kubernetes.slice(2));
            let istio = from;
            for (const step of found.steps) {
              if (step.kind === "kubernetes") {
                expect(Number(step.to.slice(2))).toBe(at + 1);
                at += 1;
              } else {
                const next = minorOf(version(step.to));
                expect(Number(next.slice(2)) - istio).toBeLessThanOrEqual(strategy === "revision" ? 2 : 1);
                istio = Number(next.slice(2));
              }
              const row = istioSupport.find(({ minor }) => minor === `1.${istio}`);
              expect(Number(row?.kubernetes.from.slice(2))).toBeLessThanOrEqual(at);
              expect(Number(row?.kubernetes.to.slice(2))).toBeGreaterThanOrEqual(at);
            }
          }
  });
});
