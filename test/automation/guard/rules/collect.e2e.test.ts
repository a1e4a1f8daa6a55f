import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createIstioctl } from "../../../../automation/adapters/istioctl.ts";
import { openKubeconfig } from "../../../../automation/adapters/kubeconfig.ts";
import { createKubernetesApi } from "../../../../automation/adapters/kubernetes-api.ts";
import { systemClock } from "../../../../automation/adapters/system-clock.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { collectEvidence } from "../../../../automation/guard/rules/collect.ts";
import { situationFile } from "../../../../automation/guard/rules/evidence.ts";
import { clusterRules } from "../../../../components/guard/cluster-rules.ts";
import { binaryPath, haveBinaries } from "../../../support/kubernetes/binaries.ts";
import { type ControlPlane, type Manifest, startControlPlane } from "../../../support/kubernetes/control-plane.ts";
import { fluxCrds } from "../../../support/kubernetes/crds.ts";
import { installMesh } from "../../../support/kubernetes/installed-mesh.ts";
import { healthy } from "../corpus/healthy.ts";

const needed = ["kube-apiserver", "etcd", "istioctl", "helm"] as const;
const built = haveBinaries("evidence of a real API server with Istio's real charts", needed);

const helmRelease = { apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease" };
const rbac = "rbac.authorization.k8s.io";
/** What the component GuardClusterRole declares, for the user that may do nothing else. */
const guardsRights: readonly Manifest[] = [
  { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name: "guard" }, rules: clusterRules },
  {
    apiVersion: `${rbac}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: "guard" },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "guard" },
    subjects: [{ apiGroup: rbac, kind: "User", name: "stranger" }],
  },
];

describe.skipIf(!built)("evidence of a real cluster", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.apply(fluxCrds);
    await installMesh(plane, "1.30.5");
    await plane.apply(guardsRights);
  });
  afterAll(() => plane?.close());

  it("is whole, with no more rights than guard has, and says what was installed", async () => {
    const connection = openKubeconfig({ path: plane.kubeconfig, context: "stranger" });
    const kubernetes = createKubernetesApi({ connection, clock: systemClock });
    const mesh = createIstioctl({
      minor: "1.31",
      path: binaryPath("istioctl"),
      env: {},
      connection,
      // As in istioctl.e2e.test.ts: the binary is built of a module whose version says so.
      safeVersions: ["1.31.0"],
    });
    const { evidence, problems } = await collectEvidence({
      kubernetes,
      mesh,
      eks: async () => undefined,
      git: situationFile.parse(healthy({ from: "1.30.5" })).evidence.git,
      registryVersion: "1.30.5",
      previousAnalysis: [],
      now: Date.now(),
    });
    await kubernetes.restart({ kind: "Deployment", namespace: "shop", name: "cart" }, "2026-12-01T10:00:00Z");
    await kubernetes.reconcile(helmRelease, "istiod", "istio-system", "2026-12-01T10:00:00Z");
    await expect(kubernetes.list({ apiVersion: "v1", kind: "Secret" })).rejects.toMatchObject({
      code: "cluster-refused",
    });
    await kubernetes.close();
    expect(problems).toEqual([]);
    const installed = parseVersion("1.30.5");
    expect(evidence).toMatchObject({
      kubernetes: {
        minor: "1.36",
        ready: true,
        nodes: [{ name: "node-1", ready: true, pressure: [] }],
        criticalPods: [{ name: "istio-system/istiod-7f9b8c6d5-x2x4k", ready: true, restarts: 0 }],
        freeCpuMillis: 8_000,
        freeMemoryMi: 16 * 1_024,
      },
      // The charts' defaults: one istiod, and no budget for it.
      controlPlanes: [{ revision: "", version: installed, replicas: 1, autoscaleMin: 1, disruptionBudget: false }],
      proxies: [{ workload: "shop/cart", version: installed, revision: "" }],
      ambient: { used: false, cni: installed },
      workloads: [{ name: "shop/cart", kind: "Deployment", replicas: 1, paused: false, rollingOut: false }],
      base: { version: installed, release: "istio-base", istiodRelease: "istiod", serviceAccountRelease: "istiod" },
      analysis: { baseline: [] },
    });
    expect(evidence.base?.crds).toHaveLength(15);
    for (const crd of evidence.base?.crds ?? []) expect(crd).toMatchObject({ release: "istio-base", keep: true });
    // istiod writes its bundle into them when it runs.
    const webhooks = { service: "istiod", serviceExists: true, readyEndpoints: 1, caBundle: false };
    expect(evidence.webhooks).toMatchObject([
      { ...webhooks, name: "istio-validator-istio-system", kind: "validating" },
      { ...webhooks, name: "istiod-default-validator", kind: "validating" },
      { ...webhooks, name: "istio-sidecar-injector", kind: "mutating" },
    ]);
    expect(evidence.injection?.namespaces).toContainEqual({ name: "shop", injection: "enabled", revision: "" });
    const sound = { suspended: false, ready: true, remediated: false, generation: 1, observedGeneration: 1 };
    expect(evidence.flux).toEqual({
      objects: [
        { ...sound, name: "flux-system/flux-system", kind: "GitRepository" },
        { ...sound, name: "flux-system/istio", kind: "HelmRepository" },
        { ...sound, name: "flux-system/istio", kind: "Kustomization" },
        { ...sound, name: "istio-ingress/ingress", kind: "HelmRelease" },
        { ...sound, name: "istio-system/istio-base", kind: "HelmRelease" },
        { ...sound, name: "istio-system/istio-cni", kind: "HelmRelease" },
        { ...sound, name: "istio-system/istiod", kind: "HelmRelease" },
      ],
      versions: { registry: installed, git: installed, history: installed, running: installed },
    });
  });
});
