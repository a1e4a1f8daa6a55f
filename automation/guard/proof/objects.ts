/** What a proof looks at, listed in the order in which Flux works: what is listed later is never older than what it follows from. */
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import { ClusterObjects } from "../facts/cluster-objects.ts";
import type { ProofObjects } from "./proof.ts";

/** Errors: cluster-unreachable, cluster-refused. A cluster that does not know Flux has no objects of it. */
export async function readProofObjects(kubernetes: KubernetesApi, signal?: AbortSignal): Promise<ProofObjects> {
  const objects = new ClusterObjects(kubernetes, signal);
  const gitRepositories = await objects.some("GitRepository");
  const ociRepositories = await objects.some("OCIRepository");
  const helmRepositories = await objects.some("HelmRepository");
  const kustomizations = await objects.some("Kustomization");
  const helmReleases = await objects.some("HelmRelease");
  const deployments = await objects.some("Deployment");
  const daemonSets = await objects.some("DaemonSet");
  const pods = await objects.some("Pod");
  return {
    gitRepositories,
    ociRepositories,
    helmRepositories,
    kustomizations,
    helmReleases,
    deployments,
    daemonSets,
    pods,
  };
}
