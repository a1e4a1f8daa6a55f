import { describe } from "vitest";
import type { ClusterAccess, ClusterConnection } from "../../../automation/adapters/cluster-access.ts";
import { openKubeconfig } from "../../../automation/adapters/kubeconfig.ts";
import { createKubernetesApi } from "../../../automation/adapters/kubernetes-api.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import { haveBinaries } from "../../support/kubernetes/binaries.ts";
import { freePort, startControlPlane } from "../../support/kubernetes/control-plane.ts";
import { fluxCrds } from "../../support/kubernetes/crds.ts";
import { startKubelet } from "../../support/kubernetes/kubelet.ts";
import { type KubernetesApiFixture, kubernetesApiContract } from "./kubernetes-api.contract.ts";

const built = haveBinaries("the suite of the Kubernetes API against a real API server", ["kube-apiserver", "etcd"]);

const connected = (access: ClusterAccess): ClusterConnection => ({
  description: `test cluster at ${access.server}`,
  access: async () => access,
  forget: () => undefined,
});

async function startReal(): Promise<KubernetesApiFixture> {
  const plane = await startControlPlane();
  const { server, authority, kubeconfig, strangerToken } = plane;
  const kubelet = await startKubelet("node-1", authority, plane.authorityKey);
  const open = (connection: ClusterConnection) =>
    // Small pages, so that lists have several.
    createKubernetesApi({ connection, clock: systemClock, pageSize: 3, timeoutMs: 20_000 });
  const api = open(openKubeconfig({ path: kubeconfig, context: "admin" }));
  const refused = open(connected({ server, authority, token: strangerToken }));
  const unreachable = open(connected({ server: `https://127.0.0.1:${await freePort()}`, authority, token: "none" }));
  const namespaces = ["web", "shop"].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  await plane.apply([...fluxCrds, ...namespaces, kubelet.node]);
  return {
    api,
    refused,
    unreachable,
    seed: plane.apply,
    remove: plane.remove,
    write: kubelet.write,
    async close() {
      for (const one of [api, refused, unreachable]) await one.close();
      await kubelet.close();
      await plane.close();
    },
  };
}

describe.skipIf(!built)("with a real API server", () => kubernetesApiContract("kube-apiserver", startReal));
