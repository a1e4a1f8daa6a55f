import { SimulatedKubernetes } from "../../../automation/guard/simulation/kubernetes.ts";
import { fluxCrds } from "../../support/kubernetes/crds.ts";
import { type KubernetesApiFixture, kubernetesApiContract } from "./kubernetes-api.contract.ts";

kubernetesApiContract("simulated", async (): Promise<KubernetesApiFixture> => {
  const now = (): number => 1_000_000;
  const open = (name: string) => new SimulatedKubernetes({ name, version: "1.33", now });
  const [api, refused, unreachable] = [open("one"), open("refused"), open("gone")];
  refused.faults.refused = true;
  unreachable.faults.unreachable = true;
  for (const name of ["default", "web", "shop"])
    api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name } }, now());
  for (const crd of fluxCrds) api.put(crd, now());
  return {
    api,
    refused,
    unreachable,
    seed: async (manifests) => {
      for (const manifest of manifests) api.put(manifest, now());
    },
    remove: async ({ apiVersion, kind, metadata }) =>
      api.remove({ apiVersion, kind }, metadata.name, metadata.namespace),
    write: (pod, text) => api.setLog(pod, text),
    close: async () => undefined,
  };
});
