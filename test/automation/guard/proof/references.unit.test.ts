/** What still names a revision: nothing is forgotten, and nothing else is found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPods } from "../../../../automation/guard/facts/pods.ts";
import { type Reference, referencesTo } from "../../../../automation/guard/proof/references.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { helmReleaseType } from "../../../../automation/guard/simulation/flux-objects.ts";
import type { SimulatedKubernetes } from "../../../../automation/guard/simulation/kubernetes.ts";
import { Branch, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const admission = "admissionregistration.k8s.io/v1";

/** Two control planes; all but what is planted is on the new one. */
function given(): SimulatedCluster {
  const branch = new Branch(
    istioFiles("prod-1", {
      version: "1.30.5",
      values: '    revision: "1-30-5"\n',
      baseValues: '    defaultRevision: "1-31-1"\n',
      gatewayValues: "    revision: stable\n",
      revisions: [{ revision: "1-31-1", version: "1.31.1", tags: ["stable"] }],
    }),
  );
  return new SimulatedCluster({
    name: "prod-1",
    now: start,
    head: branch.head,
    path: "clusters/prod-1",
    namespaces: { shop: { "istio.io/rev": "stable" } },
  });
}

function found({ api }: SimulatedCluster, revision = "1-30-5"): readonly Reference[] {
  const all = (apiVersion: string, kind: string) => api.all({ apiVersion, kind });
  return referencesTo(revision, {
    pods: readPods(all("v1", "Pod")),
    namespaces: all("v1", "Namespace"),
    mutating: all(admission, "MutatingWebhookConfiguration"),
    validating: all(admission, "ValidatingWebhookConfiguration"),
    controllers: [...all("apps/v1", "Deployment"), ...all("apps/v1", "StatefulSet"), ...all("apps/v1", "DaemonSet")],
    helmReleases: all("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
  });
}

const webhook = (api: SimulatedKubernetes, kind: string, name: string, labels: Readonly<Record<string, string>>) => {
  api.put(
    {
      apiVersion: admission,
      kind,
      metadata: { name, labels },
      webhooks: [{ name: "w", clientConfig: { service: { name: "istiod-1-30-5", namespace: "istio-system" } } }],
    },
    start,
  );
};

const plants: Readonly<Record<string, (cluster: SimulatedCluster) => void>> = {
  tag: ({ api }) =>
    webhook(api, "MutatingWebhookConfiguration", "istio-revision-tag-old", {
      "istio.io/tag": "old",
      "istio.io/rev": "1-30-5",
    }),
  webhook: ({ api }) => webhook(api, "MutatingWebhookConfiguration", "by-hand", {}),
  "default-validator": ({ api }) =>
    webhook(api, "ValidatingWebhookConfiguration", "istiod-default-validator", { "istio.io/rev": "1-30-5" }),
  namespace: ({ api }) => {
    api.put(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "legacy", labels: { "istio.io/rev": "1-30-5" } } },
      start,
    );
  },
  proxy: (cluster) => {
    const labels = { "istio.io/rev": "1-30-5", "sidecar.istio.io/inject": "true" };
    cluster.add({ kind: "Pod", namespace: "kube-system", name: "left", labels });
  },
  workload: (cluster) => {
    cluster.add({
      kind: "DaemonSet",
      namespace: "flux-system",
      name: "named",
      labels: { "istio.io/rev": "1-30-5" },
      replicas: 1,
    });
  },
  release: ({ api }) => {
    api.patch(helmReleaseType, "ingress", "istio-ingress", ["spec", "values", "revision"], "1-30-5");
  },
};

describe("references to a revision", () => {
  test("are none when all has moved", () => {
    expect(found(given())).toEqual([]);
  });

  test("of the new one are many, so that it cannot be removed instead", () => {
    const kinds = new Set(found(given(), "1-31-1").map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(["default-validator", "proxy", "release", "tag"]);
  });

  test("are found whichever there are", () => {
    fc.assert(
      fc.property(fc.subarray(Object.keys(plants)), (names) => {
        const cluster = given();
        for (const name of names) plants[name]?.(cluster);
        const kinds = new Set<string>(found(cluster).map(({ kind }) => kind));
        for (const name of names) expect(kinds.has(name), name).toBe(true);
        // A pod of a planted workload is a proxy too.
        const implied = new Set([...names, ...(names.includes("workload") ? ["proxy"] : [])]);
        expect([...kinds].filter((kind) => !implied.has(kind))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test("to the control plane without a revision include istio-injection=enabled", () => {
    const branch = new Branch(istioFiles("prod-1", { version: "1.30.5" }));
    const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
    const kinds = found(cluster, "").map(({ kind, name }) => `${kind} ${name}`);
    expect(kinds).toEqual(
      expect.arrayContaining([
        "namespace shop",
        "default-validator istiod-default-validator",
        "proxy Deployment shop/cart",
      ]),
    );
    expect(kinds.filter((one) => one.startsWith("webhook"))).toEqual([]);
  });
});
