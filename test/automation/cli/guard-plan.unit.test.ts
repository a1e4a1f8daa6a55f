import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parsePlanFile } from "../../../automation/cli/guard-plan-input.ts";
import { describeGuardPlan, describeMeshPlan } from "../../../automation/cli/guard-plan-view.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import { makeMeshPlan } from "../../../automation/guard/plan/mesh-plan.ts";
import { makePlan } from "../../../automation/guard/plan/plan.ts";
import { checkout } from "../../support/cli.ts";

const fixture = join("test", "fixtures", "guard", "batch.yaml");
const text = await readFile(join(checkout, fixture), "utf8");
const linkerdFixture = join("test", "fixtures", "guard", "linkerd.yaml");
const linkerdText = await readFile(join(checkout, linkerdFixture), "utf8");

function problemsOf(file: string): string {
  try {
    parsePlanFile("batch.yaml", file);
    return "";
  } catch (error) {
    if (error instanceof SwitchyardError && error.code === "guard-input-invalid") return error.message;
    throw error;
  }
}

describe("guard plan", () => {
  test("shows each file that changes with who reads it, and who of them is of another wave", () => {
    const input = parsePlanFile(fixture, text);
    if (input.mesh !== "istio") throw new Error(input.mesh);
    const [first] = input.request.clusters;
    if (first === undefined) throw new Error("no cluster");
    const file = {
      repository: "mesh/fleet",
      path: "istio/istiod.yaml",
      readers: [first.cluster, "dev-1"],
      changes: [],
    };
    const planned = makePlan(input.request, 0, planDigest, new Map([[first.cluster, [file]]]));
    if (planned.kind !== "plan") throw new Error("refused");
    expect(describeGuardPlan(planned.plan)).toContain(
      `  mesh/fleet istio/istiod.yaml: ${first.cluster}, dev-1 (not in this plan)`,
    );
  });

  test("prints hops with EKS in between, notes, and what the rules say, in lines that fit", () => {
    const input = parsePlanFile(fixture, text);
    if (input.mesh !== "istio") throw new Error(input.mesh);
    const planned = makePlan(input.request, 0, planDigest);
    if (planned.kind === "refused") throw new Error("refused");
    const lines = describeGuardPlan(planned.plan);
    expect(lines.filter((line) => line.length > 120 && !line.includes("https://"))).toEqual([]);
    const all = lines.join("\n");
    expect(lines[0]).toBe(`Plan ${planned.plan.hash} of batch prod-wave-1: Istio 1.31.1, in place, 2 clusters`);
    expect(all).toContain("  1. EKS 1.31 to 1.32: Istio 1.30 needs Kubernetes 1.32 to 1.36");
    expect(all).toContain(
      "  2. Istio 1.29.8 to 1.30.5 on Kubernetes 1.32, 3 merge requests: CRDs; control plane; gateways",
    );
    expect(all).toContain("1.30-same-host: of one host in several namespaces");
    expect(all).toContain("block G03 proxy-skew: shop/mail (1.28.6): 1 of 2 proxies: behind their control plane");
    expect(all).toContain("block G15 single-istiod: istiod: it runs 1");
    expect(all).toContain(
      "undecided, not collected: kubernetes (G02, G21); ambient (G04); artifacts (G05); git (G05, G06,",
    );
    expect(all).toContain("undecided, not collected: cniConfigReaders (1.30-cni-file-mode);");
    expect(lines.at(-1)).toBe("The batch is blocked.");
  });

  test("plans Linkerd by its port: logical versions, EKS, a merge request per chart, skew and its own check", () => {
    const input = parsePlanFile(linkerdFixture, linkerdText);
    if (input.mesh !== "linkerd") throw new Error(input.mesh);
    const planned = makeMeshPlan(input.request, 0, planDigest);
    if (planned.kind === "refused") throw new Error("refused");
    const lines = describeMeshPlan(planned.plan);
    expect(lines.filter((line) => line.length > 120 && !line.includes("https://"))).toEqual([]);
    const all = lines.join("\n");
    expect(all).toContain(
      "  1. linkerd 2025.4.4 to 2025.10.7 on Kubernetes 1.30, 2 merge requests: CRDs; control plane; then its",
    );
    expect(all).toContain("  2. EKS 1.30 to 1.31: Linkerd 2.20 needs Kubernetes 1.31 to 1.35");
    expect(all).toContain("  3. linkerd 2025.10.7 to 2026.6.3 on Kubernetes 1.31");
    expect(all).toContain(
      "block L01 proxy-skew: shop/mail: 1 of 2 proxies, the first: the proxy (edge-24.11.8) is 2 logical",
    );
    expect(all).toContain("undecided L02 linkerd-check: check: it was not run");
    expect(lines.at(-1)).toBe("The batch is blocked.");
  });

  test.each([
    [
      "a version of another mesh",
      linkerdText.replace("edge-26.6.3", "1.31.1"),
      /target: "1\.31\.1" is no whole version of Linkerd/,
    ],
    ["a key of Istio's", linkerdText.replace("version:", "istio:"), /clusters\[0\]/],
    ["a mesh that does not exist", linkerdText.replace("mesh: linkerd", "mesh: consul"), /mesh/],
  ])("refuses, for Linkerd, %s", (_, file, message) => {
    expect(problemsOf(file)).toMatch(message);
  });

  test.each([
    ["a version as a number", text.replace('target: "1.31.1"', "target: 1.31"), /target: must be text in quotes/],
    ["a setting that does not exist", text.replace("batch:", "wave: 1\nbatch:"), /wave/],
    ["a cluster twice", text.replace("prod-us", "prod-eu"), /clusters\[1\]\.cluster: prod-eu stands there twice/],
    [
      "evidence that contradicts",
      text.replace("    evidence:\n", "    evidence:\n      ambient: { used: true, drainsNodes: true }\n"),
      /clusters\[0\]\.evidence\.ambient\.used: says true/,
    ],
    ["a batch that is no name", text.replace("prod-wave-1", "Prod Wave"), /batch: must be lower-case letters/],
    ["broken YAML", "batch: [", /batch\.yaml has /],
    ["a key twice", `batch: a\n${text}`, /unique/],
    ["nothing", "", /batch\.yaml has/],
    ["aliases without end", `a: &a [x, x]\nb: &b [${"*a,".repeat(99)}*a]\nc: [${"*b,".repeat(99)}*b]`, /alias/i],
  ])("refuses %s", (_, file, message) => {
    expect(problemsOf(file)).toMatch(message);
  });

  test("tells all problems at once", () => {
    const file = text.replace('"1.31.1"', "1.31").replace("prod-wave-1", "Prod");
    expect(problemsOf(file)).toMatch(/has 2 problems:\n.*\n.*/);
  });
});
