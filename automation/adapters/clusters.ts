/** Ways into the clusters of a fleet: EKS by a role, others by a kubeconfig; istioctl beside each. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ClusterAddress, Clusters } from "../ports/clusters.ts";
import type { KubernetesApi } from "../ports/kubernetes-api.ts";
import type { AwsSurroundings } from "./aws-ask.ts";
import type { ClusterConnection } from "./cluster-access.ts";
import { type EksCluster, openEksCluster } from "./eks.ts";
import { createIstioctl, type Istioctl } from "./istioctl.ts";
import { openKubeconfig } from "./kubeconfig.ts";
import { createKubernetesApi } from "./kubernetes-api.ts";

export interface ClustersOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Path of istioctl per minor: `guard.istioctl`. */
  readonly istioctl: Readonly<Record<string, string>>;
  /** Waits until one more request to AWS may be sent. */
  readonly turn: AwsSurroundings["turn"];
  /** First safe patch of istioctl per minor; default those that are known. */
  readonly safeIstioctlVersions?: readonly string[];
}

/** One line of what one connection does. */
export interface Probe {
  readonly connection: "kubernetes" | "eks" | "istioctl";
  readonly works: boolean;
  /** `Kubernetes 1.33, ready`, or why not and what to do. */
  readonly line: string;
}

export interface ConnectedClusters extends Clusters {
  /** Every connection of a cluster; none of them throws. `minor`: of istioctl. */
  probe(cluster: ClusterAddress, minor: string, signal?: AbortSignal): Promise<readonly Probe[]>;
}

/** Connections of a cluster are made once, whoever asks. */
export function createClusters(options: ClustersOptions): ConnectedClusters {
  const { env, clock, istioctl, turn, safeIstioctlVersions } = options;
  const eksClusters = new Map<string, EksCluster>();
  const connections = new Map<string, ClusterConnection>();
  const apis = new Map<string, KubernetesApi>();
  const meshes = new Map<string, Istioctl>();

  const keyOf = ({ region, awsRoleArn, eksCluster, kubeconfig }: ClusterAddress): string =>
    JSON.stringify(kubeconfig === undefined ? [region, awsRoleArn, eksCluster] : [kubeconfig.path, kubeconfig.context]);

  const eksOf = (cluster: ClusterAddress): EksCluster | undefined => {
    if (cluster.kubeconfig !== undefined) return undefined;
    const { eksCluster, region, awsRoleArn } = cluster;
    return kept(eksClusters, keyOf(cluster), () =>
      openEksCluster({ cluster: eksCluster, region, roleArn: awsRoleArn }, { env, clock, turn }),
    );
  };

  const connectionOf = (cluster: ClusterAddress): ClusterConnection =>
    kept(connections, keyOf(cluster), () => {
      const eks = eksOf(cluster);
      if (eks !== undefined) return eks;
      const { kubeconfig } = cluster;
      if (kubeconfig === undefined) throw new TypeError("a cluster is on EKS or has a kubeconfig");
      return openKubeconfig(kubeconfig);
    });

  const kubernetes = (cluster: ClusterAddress): KubernetesApi =>
    kept(apis, keyOf(cluster), () => createKubernetesApi({ connection: connectionOf(cluster), clock }));

  const mesh = (cluster: ClusterAddress, minor: string): Istioctl =>
    kept(meshes, JSON.stringify([keyOf(cluster), minor]), () =>
      createIstioctl({
        minor,
        path: istioctl[minor],
        env,
        connection: connectionOf(cluster),
        safeVersions: safeIstioctlVersions,
      }),
    );

  const eks: Clusters["eks"] = async (cluster, signal) => eksOf(cluster)?.facts(signal);

  return {
    kubernetes,
    mesh,
    eks,

    probe: (cluster, minor, signal) =>
      Promise.all([
        probe("kubernetes", signal, async () => {
          const api = kubernetes(cluster);
          const [version, failing] = [await api.version(signal), await api.failingChecks(signal)];
          if (failing.length > 0)
            return { works: false, line: `Kubernetes ${version}, not ready: ${failing.join(", ")}` };
          return { works: true, line: `Kubernetes ${version}, ready` };
        }),
        probe("eks", signal, async () => {
          const facts = await eks(cluster, signal);
          if (facts === undefined) return { works: true, line: "not on EKS" };
          const { status, kubernetes: version, insights } = facts;
          const errors = insights.filter((one) => one.status === "ERROR").length;
          const line = `EKS ${version}, ${status}, ${errors} of ${insights.length} insights are errors`;
          return { works: status === "ACTIVE", line };
        }),
        probe("istioctl", signal, async () => {
          const version = await mesh(cluster, minor).binaryVersion(signal);
          return { works: true, line: `istioctl ${version}` };
        }),
      ]),
  };
}

async function probe(
  connection: Probe["connection"],
  signal: AbortSignal | undefined,
  look: () => Promise<Omit<Probe, "connection">>,
): Promise<Probe> {
  try {
    return { connection, ...(await look()) };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SwitchyardError)) throw error;
    return { connection, works: false, line: `${error.message}. ${error.next.join(" ")}` };
  }
}

function kept<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
