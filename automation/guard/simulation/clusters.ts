/** A fleet of simulated clusters as the port gives it: by id, with istioctl of the minor that is asked for, and EKS beside. */
import { SwitchyardError } from "../../errors.ts";
import type { ClusterAddress, Clusters, EksFacts } from "../../ports/clusters.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import type { MeshInspector } from "../../ports/mesh-inspector.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { SimulatedInspector } from "./inspector.ts";

export class SimulatedClusters implements Clusters {
  readonly #clusters: ReadonlyMap<string, SimulatedCluster>;
  readonly #inspectors = new Map<string, SimulatedInspector>();
  /** Of clusters that differ from one that is well. */
  readonly eksFacts = new Map<string, EksFacts>();

  constructor(clusters: Iterable<SimulatedCluster>) {
    this.#clusters = new Map([...clusters].map((one) => [one.name, one]));
  }

  /** Everything up to a time happens, in all of them. */
  tick(now: number): void {
    for (const cluster of this.#clusters.values()) cluster.tick(now);
  }

  /** Errors: guard-unknown-cluster. */
  cluster(id: string): SimulatedCluster {
    const found = this.#clusters.get(id);
    if (found !== undefined) return found;
    throw new SwitchyardError("guard-unknown-cluster", { message: `there is no simulated cluster ${id}` });
  }

  kubernetes({ clusterId }: ClusterAddress): KubernetesApi {
    return this.cluster(clusterId).api;
  }

  mesh({ clusterId }: ClusterAddress, minor: string): MeshInspector {
    return this.inspector(clusterId, minor);
  }

  /** The same one for the same cluster and minor, so that messages can be planted. */
  inspector(id: string, minor: string): SimulatedInspector {
    const key = `${id} ${minor}`;
    const known = this.#inspectors.get(key) ?? new SimulatedInspector(this.cluster(id), `${minor}.99`);
    this.#inspectors.set(key, known);
    return known;
  }

  async eks({ clusterId }: ClusterAddress, signal?: AbortSignal): Promise<EksFacts | undefined> {
    const kubernetes = await this.cluster(clusterId).api.version(signal);
    return (
      this.eksFacts.get(clusterId) ?? {
        status: "ACTIVE",
        kubernetes,
        updateInProgress: false,
        insights: [{ name: "Deprecated APIs", status: "PASSING" }],
        upgradedAt: undefined,
      }
    );
  }
}
