import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { type MeshPlan, makeMeshPlan, meshPlanFile } from "../../../../automation/guard/plan/mesh-plan.ts";

type MeshFile = z.input<typeof meshPlanFile>;
type Entry = MeshFile["clusters"][number];

const at = Date.parse("2026-09-01T10:00:00Z");
const clean = {
  exitCode: 0,
  stdout: '{"success":true,"categories":[{"categoryName":"a","checks":[{"description":"b","result":"success"}]}]}',
};

const entry = (change: Partial<Entry> = {}): Entry => ({
  cluster: "prod-1",
  version: "edge-25.10.7",
  kubernetes: "1.32",
  proxies: [{ workload: "shop/cart", version: "edge-25.10.7" }],
  check: clean,
  ...change,
});

function planOf(clusters: readonly Entry[], change: Partial<MeshFile> = {}, when = at): MeshPlan {
  const file = meshPlanFile.parse({
    mesh: "linkerd",
    batch: "wave-1",
    target: "edge-26.6.3",
    clusters: [...clusters],
    ...change,
  });
  const result = makeMeshPlan(file, when, planDigest);
  if (result.kind === "refused") throw new Error(result.refusals.map(({ message }) => message).join());
  return result.plan;
}

const levels = (plan: MeshPlan): readonly string[] =>
  plan.clusters[0]?.next?.findings.map(({ rule, level }) => `${rule} ${level}`) ?? [];

describe("a plan for Linkerd", () => {
  test("of a healthy cluster is CRDs before the control plane, and leaves only the notes to a person", () => {
    const plan = planOf([entry()]);
    expect(plan).toMatchObject({ mesh: "linkerd", target: "2026.6.3", verdict: "passed", warnings: [] });
    expect(plan.clusters[0]?.steps).toEqual([
      {
        kind: "mesh",
        from: "2025.10.7",
        to: "2026.6.3",
        kubernetes: "1.32",
        mergeRequests: [
          { title: "CRDs", charts: ["linkerd-crds"] },
          { title: "control plane", charts: ["linkerd-control-plane"] },
        ],
      },
    ]);
    expect(levels(plan)).toEqual(["L03 manual"]);
  });

  test("has a merge request for the CNI chart where that is installed", () => {
    const [step] = planOf([entry({ cni: true })]).clusters[0]?.steps ?? [];
    expect(step?.kind === "mesh" ? step.mergeRequests.map(({ title }) => title) : []).toEqual([
      "CRDs",
      "node components",
      "control plane",
    ]);
  });

  test.each([
    ["no proxies were collected", { proxies: undefined }, "undecided", "L01 undecided"],
    ["the check was not run", { check: undefined }, "undecided", "L02 undecided"],
    ["the check printed nothing", { check: { exitCode: 1, stdout: "" } }, "undecided", "L02 undecided"],
    [
      "a proxy would be two behind",
      { proxies: [{ workload: "shop/mail", version: "edge-25.4.4" }] },
      "blocked",
      "L01 block",
    ],
    ["a proxy is ahead", { proxies: [{ workload: "shop/mail", version: "edge-26.6.3" }] }, "blocked", "L01 block"],
    [
      "a proxy's version is not known",
      { proxies: [{ workload: "shop/mail", version: "dev" }] },
      "blocked",
      "L01 block",
    ],
    [
      "the check failed",
      {
        check: {
          exitCode: 1,
          stdout: clean.stdout.replace("true", "false").replace('"success"}', '"error","error":"it expired"}'),
        },
      },
      "blocked",
      "L02 block",
    ],
    [
      "the check warns",
      { check: { exitCode: 0, stdout: clean.stdout.replace('"success"}', '"warning","error":"soon"}') } },
      "passed",
      "L02 warn",
    ],
  ] as const)("when %s", (_, change, verdict, level) => {
    const { proxies, check } = { ...entry(), ...change };
    const { proxies: _p, check: _c, ...rest } = entry();
    const plan = planOf([
      {
        ...rest,
        ...(proxies === undefined ? {} : { proxies: [...proxies] }),
        ...(check === undefined ? {} : { check }),
      },
    ]);
    expect(plan.verdict).toBe(verdict);
    expect(levels(plan)).toContain(level);
  });

  test("the worst cluster decides, and tables of last year are told to be stale", () => {
    const bad = entry({ cluster: "prod-2", proxies: [{ workload: "a/b", version: "edge-24.2.4" }] });
    const plan = planOf([entry(), bad], {}, Date.parse("2027-08-01T00:00:00Z"));
    expect(plan.verdict).toBe("blocked");
    expect(plan.warnings).toEqual([expect.stringMatching(/345 days ago: compare it with https:\/\/linkerd\.io/)]);
  });

  test.each([
    ["a downgrade", entry({ version: "edge-26.6.3" }), { target: "edge-25.10.7" }, /2025\.10\.7 is below 2026\.6\.3/],
    ["a revision", entry(), { strategy: "revision" as const }, /no revisions/],
    ["a vendor's stable from an edge of the same version", entry(), { target: "2.19.6" }, /different channels/],
    ["no way", entry({ version: "2.16.1", kubernetes: "1.33" }), {}, /no supported way/],
  ])("refuses %s", (_, cluster, change, message) => {
    expect(() => planOf([cluster], change)).toThrow(message);
  });

  test("its hash is of what is to be done, not of how a finding reads or when it was made", () => {
    const soon = (text: string) => ({
      exitCode: 0,
      stdout: clean.stdout.replace('"success"}', `"warning","error":"${text}"}`),
    });
    const [one, other] = ["in 40 days", "in 39 days"].map((text, index) =>
      planOf([entry({ check: soon(text) })], {}, at + index),
    );
    expect(one?.hash).toMatch(/^[0-9a-f]+$/);
    expect(one?.hash).toBe(other?.hash);
    expect(planOf([entry({ kubernetes: "1.33" })]).hash).not.toBe(planOf([entry()]).hash);
  });

  test("a cluster twice and a version of another mesh are refused by the form", () => {
    const file = { mesh: "linkerd", batch: "wave-1", target: "1.31.1", clusters: [entry(), entry()] };
    expect(meshPlanFile.safeParse(file).error?.issues.map(({ path }) => path.join("."))).toEqual(["target"]);
    expect(meshPlanFile.safeParse({ ...file, target: "2.20.1" }).error?.issues.map(({ message }) => message)).toEqual([
      "prod-1 stands there twice",
    ]);
  });
});
