/** Workloads of the mesh and their control planes, as a cluster shows them now. */
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import { ClusterObjects } from "../facts/cluster-objects.ts";
import { type ControlPlane, readControlPlanes } from "../facts/control-planes.ts";
import { readInjection } from "../facts/injection.ts";
import { type NodePods, readNodePods } from "../facts/node-components.ts";
import { readPods } from "../facts/pods.ts";
import { type MeshWorkload, meshWorkloads } from "../facts/workloads.ts";

export interface DataPlane {
  readonly planes: readonly ControlPlane[];
  readonly workloads: readonly MeshWorkload[];
  readonly nodes: readonly NodePods[];
}

/** Pods are listed last: none is older than its workload says. Errors: cluster-unreachable, cluster-refused, Unreadable. */
export async function readDataPlane(kubernetes: KubernetesApi, signal?: AbortSignal): Promise<DataPlane> {
  const objects = new ClusterObjects(kubernetes, signal);
  const injection = readInjection(await objects.must("Namespace"), await objects.must("MutatingWebhookConfiguration"));
  const deployments = await objects.must("Deployment");
  const statefulSets = await objects.must("StatefulSet");
  const daemonSets = await objects.must("DaemonSet");
  const budgets = await objects.must("PodDisruptionBudget");
  const planes = readControlPlanes(deployments);
  const pods = readPods(await objects.must("Pod"));
  return {
    planes,
    nodes: readNodePods(daemonSets, pods),
    workloads: meshWorkloads({
      pods,
      deployments,
      statefulSets,
      daemonSets,
      budgets,
      injection,
      revisions: planes.map(({ revision }) => revision),
    }),
  };
}
