import { describe, expect, it } from "vitest";
import { leftOfOldPlane } from "../../../../automation/guard/proof/old-plane.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { Branch, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const admission = "admissionregistration.k8s.io/v1";
const old = { major: 1, minor: 30, patch: 5, pre: "" };

/** Two control planes, 1-30-5 and 1-31-1. */
function given(): SimulatedCluster {
  const branch = new Branch(
    istioFiles("prod-1", {
      version: "1.30.5",
      values: '    revision: "1-30-5"\n',
      baseValues: '    defaultRevision: "1-31-1"\n',
      revisions: [{ revision: "1-31-1", version: "1.31.1", tags: ["stable"] }],
    }),
  );
  return new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
}

function left({ api }: SimulatedCluster): readonly string[] {
  return leftOfOldPlane(old, {
    deployments: api.all({ apiVersion: "apps/v1", kind: "Deployment" }),
    mutating: api.all({ apiVersion: admission, kind: "MutatingWebhookConfiguration" }),
    validating: api.all({ apiVersion: admission, kind: "ValidatingWebhookConfiguration" }),
  });
}

const deployment = "Deployment istio-system/istiod-1-30-5";
const webhooks = [
  "MutatingWebhookConfiguration istio-sidecar-injector-1-30-5",
  "ValidatingWebhookConfiguration istio-validator-1-30-5-istio-system",
];
const removed: readonly (readonly [string, string, string | undefined])[] = [
  ["apps/v1", "istiod-1-30-5", "istio-system"],
  [admission, "istio-sidecar-injector-1-30-5", undefined],
  [admission, "istio-validator-1-30-5-istio-system", undefined],
];

describe("what is left of an old control plane", () => {
  it("is its istiod and its webhooks, and nothing of the new one", () =>
    expect(left(given())).toEqual([deployment, ...webhooks]));

  it.each([
    [1, webhooks],
    [2, webhooks.slice(1)],
    [3, []],
  ])("given %i of them are gone, is the others", (gone, expected) => {
    const cluster = given();
    const kinds = ["Deployment", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
    for (const [index, [apiVersion, name, place]] of removed.slice(0, gone).entries())
      cluster.api.remove({ apiVersion, kind: kinds[index] ?? "" }, name, place);
    expect(left(cluster)).toEqual(expected);
  });
});
