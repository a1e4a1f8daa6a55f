import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import {
  canonical,
  hashOf,
  makePlan,
  type Plan,
  type Planned,
  planFile,
} from "../../../../automation/guard/plan/plan.ts";
import { goodCases } from "../corpus/good.ts";
import { healthy, now, releaseOf } from "../corpus/healthy.ts";

type PlanFile = z.input<typeof planFile>;
type ClusterEntry = PlanFile["clusters"][number];

const at = Date.parse(now);

const planned = (file: PlanFile, when = at): Planned => makePlan(planFile.parse(file), when, planDigest);

function planOf(file: PlanFile, when = at): Plan {
  const result = planned(file, when);
  if (result.kind === "refused") throw new Error(result.refusals.map(({ message }) => message).join());
  return result.plan;
}

const entry = (change: Partial<ClusterEntry> = {}): ClusterEntry => ({
  cluster: "prod-1",
  production: true,
  istio: "1.30.5",
  kubernetes: "1.32",
  evidence: healthy().evidence,
  ...change,
});

const file = (change: Partial<PlanFile> = {}): PlanFile => ({
  batch: "prod-wave-1",
  target: "1.31.1",
  strategy: "in-place",
  clusters: [entry()],
  ...change,
});

describe("a plan", () => {
  test("of a healthy cluster has one hop in one merge request and may begin", () => {
    const plan = planOf(file());
    expect(plan).toMatchObject({ batch: "prod-wave-1", target: "1.31.1", verdict: "passed", warnings: [] });
    expect(plan.clusters[0]).toMatchObject({
      cluster: "prod-1",
      steps: [
        {
          kind: "istio",
          from: "1.30.5",
          to: "1.31.1",
          kubernetes: "1.32",
          mergeRequests: [{ title: "all components", components: ["base", "istiod", "gateway"] }],
          notes: [],
        },
      ],
      next: { kind: "passed", findings: [] },
    });
  });

  test("takes a merge request per component where nothing proves the order, and then that does not block", () => {
    const { evidence } = healthy({}, releaseOf("gateway", { dependsOn: [] }));
    const plan = planOf(file({ clusters: [entry({ evidence })] }));
    expect(plan.verdict).toBe("passed");
    expect(plan.clusters[0]?.steps[0]).toMatchObject({
      mergeRequests: [{ title: "CRDs" }, { title: "control plane" }, { title: "gateways" }],
    });
    expect(plan.clusters[0]?.next?.findings.map(({ rule, level }) => `${rule} ${level}`)).toEqual(["G08 warn"]);
  });

  test("by revision is the series that keeps the old one to the end", () => {
    const { evidence } = healthy({ strategy: "revision" });
    const [step] = planOf(file({ strategy: "revision", clusters: [entry({ evidence })] })).clusters[0]?.steps ?? [];
    expect(step?.kind === "istio" ? step.mergeRequests.map(({ title }) => title) : []).toEqual([
      "CRDs",
      "new revision beside the old",
      "canary tag",
      ...[10, 50, 90, 100].map((share) => `new revision for ${share} % of the namespaces`),
      "gateways",
      "default revision",
      "old revision removed",
    ]);
  });

  test("has EKS steps, the notes of every hop, and judges the next hop only", () => {
    const evidence = { ...healthy({ from: "1.28.6", to: "1.29.8" }).evidence, mesh: {} };
    const plan = planOf(file({ clusters: [entry({ istio: "1.28.6", kubernetes: "1.31", evidence })] }));
    const [cluster] = plan.clusters;
    expect(cluster?.steps.map((step) => (step.kind === "istio" ? step.to : `eks ${step.to}`))).toEqual([
      "1.29.8",
      "eks 1.32",
      "1.30.5",
      "1.31.1",
    ]);
    const notes = cluster?.steps.flatMap((step) => (step.kind === "istio" ? [step.notes.length] : []));
    // Without facts none of them is settled: seven of 1.29, five of 1.30, six of 1.31.
    expect(notes).toEqual([7, 5, 6]);
    expect(cluster?.next?.kind).toBe("undecided");
  });

  test("a hop that waits for EKS is blocked until EKS has moved", () => {
    const evidence = healthy({ from: "1.29.8", to: "1.30.5" }, ({ kubernetes }) => ({
      kubernetes: { ...kubernetes, minor: "1.31" },
    })).evidence;
    const plan = planOf(
      file({ target: "1.30.5", clusters: [entry({ istio: "1.29.8", kubernetes: "1.31", evidence })] }),
    );
    expect(plan.verdict).toBe("blocked");
    const blocking = plan.clusters[0]?.next?.findings.filter(({ level }) => level === "block") ?? [];
    expect(blocking.map(({ rule, fix }) => `${rule}: ${fix}`)).toEqual([
      "G02: Upgrade EKS to 1.32 first, as a step of its own.",
    ]);
  });

  test("one red cluster stops the batch, and one of which nothing is known leaves it undecided", () => {
    const green = entry();
    const unknown = entry({ cluster: "prod-2", evidence: {} });
    const red = entry({
      cluster: "prod-3",
      evidence: healthy({}, () => ({ alerts: [{ name: "5xx", state: "Alert", required: true, muted: false }] }))
        .evidence,
    });
    expect(planOf(file({ clusters: [green, unknown] })).verdict).toBe("undecided");
    expect(planOf(file({ clusters: [green, unknown, red] })).verdict).toBe("blocked");
  });

  test("no way for one cluster is no plan for the batch", () => {
    expect(
      planned(
        file({ clusters: [entry(), entry({ cluster: "old", istio: "1.24.6", kubernetes: "1.33", evidence: {} })] }),
      ),
    ).toMatchObject({
      kind: "refused",
      refusals: [
        { cluster: "old", message: expect.stringMatching(/no supported way from Istio 1\.24\.6 on Kubernetes 1\.33/) },
      ],
    });
  });

  test("says that its tables are old and that a batch is not at one version", () => {
    const clusters = [entry(), entry({ cluster: "prod-2", istio: "1.29.8", evidence: {} })];
    const { warnings } = planOf(file({ clusters }), Date.parse("2027-03-01"));
    expect(warnings).toEqual([
      expect.stringMatching(/^the support tables are of 2026-11-20/),
      "the batch begins at different versions, 1.29.8 to 1.30.5: its clusters are not at the same step",
    ]);
  });

  test("every good upgrade of the corpus has a plan that may begin where its hop is the planned one", () => {
    let plans = 0;
    for (const { name, situation } of goodCases) {
      const { hop, evidence, production, at: when } = situation;
      const result = planned(
        file({
          target: hop.to,
          strategy: hop.strategy,
          at: when,
          clusters: [
            entry({
              production,
              istio: hop.from,
              kubernetes: evidence.kubernetes?.minor ?? "1.32",
              ambient: evidence.ambient?.used ?? false,
              evidence,
            }),
          ],
        }),
      );
      if (result.kind === "refused" || !hop.final) continue;
      plans += 1;
      expect(result.plan.verdict, name).toBe("passed");
    }
    expect(plans).toBeGreaterThan(50);
  });
});

describe("the hash of a plan", () => {
  test("is the same whenever the same comes out, and twelve hex digits", () => {
    const plan = planOf(file());
    expect(plan.hash).toMatch(/^[0-9a-f]{12}$/);
    expect(planOf(file(), at + 600_000).hash).toBe(plan.hash);
    expect(hashOf(plan, planDigest)).toBe(plan.hash);
  });

  test.each([
    ["another batch", file({ batch: "prod-wave-2" })],
    ["another target", file({ target: "1.31.0" })],
    ["another strategy", file({ strategy: "revision" })],
    ["another cluster", file({ clusters: [entry({ cluster: "prod-9" })] })],
    [
      "another finding",
      file({ clusters: [entry({ evidence: healthy({}, releaseOf("istiod", { chartVersion: "1.x" })).evidence })] }),
    ],
  ])("is another for %s", (_, other) => {
    expect(planOf(other).hash).not.toBe(planOf(file()).hash);
  });

  test("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonical(turned)).toBe(canonical(value));
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
