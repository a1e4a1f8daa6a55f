import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createIstioctl } from "../../../automation/adapters/istioctl.ts";
import { runIstioctl } from "../../../automation/adapters/istioctl-process.ts";
import { openKubeconfig } from "../../../automation/adapters/kubeconfig.ts";
import type { ProxyStatus } from "../../../automation/ports/mesh-inspector.ts";
import { clusterRules, istioctlRules } from "../../../components/guard/cluster-rules.ts";
import { binaryPath, haveBinaries } from "../../support/kubernetes/binaries.ts";
import { type ControlPlane, type Manifest, startControlPlane } from "../../support/kubernetes/control-plane.ts";
import { istioCrds } from "../../support/kubernetes/crds.ts";
import { type Istiod, startIstiod } from "../../support/kubernetes/istiod.ts";

const needed = ["kube-apiserver", "etcd", "istioctl", "pilot-discovery"] as const;
const built = haveBinaries("proxies of a real istiod as istioctl sees them", needed);

const rbac = "rbac.authorization.k8s.io";
const role = (kind: "ClusterRole" | "Role", namespace: object, rules: unknown): readonly Manifest[] => [
  { apiVersion: `${rbac}/v1`, kind, metadata: { name: "guard", ...namespace }, rules },
  {
    apiVersion: `${rbac}/v1`,
    kind: `${kind}Binding`,
    metadata: { name: "guard", ...namespace },
    roleRef: { apiGroup: rbac, kind, name: "guard" },
    subjects: [{ apiGroup: rbac, kind: "User", name: "stranger" }],
  },
];
/** What the component GuardClusterRole declares, for the user that may do nothing else. */
const guardsRights = [
  ...role("ClusterRole", {}, clusterRules),
  ...role("Role", { namespace: "istio-system" }, istioctlRules),
];

/** Its own words, kept for the tests that have no istioctl; without what differs from run to run, and with the compiler. */
async function record(plane: ControlPlane): Promise<void> {
  const access = await openKubeconfig({ path: plane.kubeconfig, context: "admin" }).access();
  const args = ["proxy-status", "-o", "json"];
  const { stderr, code, ...printed } = await runIstioctl({
    binary: binaryPath("istioctl"),
    args,
    access,
    deadlineMs: 60_000,
  });
  const stdout = printed.stdout
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "2026-12-01T00:00:00Z")
    .replace(/"nonce": +"[^"]*"/, '"nonce": "1"')
    .replaceAll(/go1\.\d+(\.\d+)?/g, "go1.26")
    // Go's encoder puts in a second space or not, by the build.
    .replaceAll(/": +/g, '": ');
  const text = JSON.stringify({ stdout, stderr, code }, null, 2);
  await expect(`${text}\n`).toMatchFileSnapshot("../../fixtures/istioctl/proxy-status.json");
}

describe.skipIf(!built)("the real istioctl and a real istiod", () => {
  let plane: ControlPlane;
  let istiod: Istiod;
  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.apply(await istioCrds());
    istiod = await startIstiod(plane);
    await plane.apply(guardsRights);
  });
  afterAll(async () => {
    await istiod?.close();
    await plane?.close();
  });

  it("counts proxies per version with no more rights than guard has, and tells those that lag", async () => {
    const istioctl = createIstioctl({
      minor: "1.31",
      path: binaryPath("istioctl"),
      env: {},
      connection: openKubeconfig({ path: plane.kubeconfig, context: "stranger" }),
      // As in istioctl.e2e.test.ts: the binary is built of a module whose version says so.
      safeVersions: ["1.31.0"],
    });
    expect(await istioctl.proxyStatus()).toEqual([]);
    await istiod.connect({ pod: "cart-1", namespace: "shop", version: "1.31.0", acknowledges: true });
    await expect.poll(() => istioctl.proxyStatus(), { timeout: 30_000 }).toMatchObject([{ state: "synced" }]);
    await record(plane);
    await istiod.connect({ pod: "old-1", namespace: "shop", version: "1.30.5", acknowledges: false });
    const expected: readonly ProxyStatus[] = [
      { id: "cart-1.shop", version: "1.31.0", controlPlane: "1.31.0", state: "synced" },
      { id: "old-1.shop", version: "1.30.5", controlPlane: "1.31.0", state: "stale" },
    ];
    // istiod notes an acknowledgement after it has come.
    await expect
      .poll(async () => (await istioctl.proxyStatus()).toSorted((one, other) => one.id.localeCompare(other.id)), {
        timeout: 30_000,
      })
      .toEqual(expected);
  });
});
