import type { Cluster } from "../autopilot/cluster.ts";
import type { EndpointGroups } from "../compute/backend-services.ts";
import type { Cloud } from "./cloud.ts";

type ClusterOptions = Parameters<Cloud["clusters"]["create"]>[0];

export interface Clusters {
  /** As the providers see them. */
  readonly byEndpoint: Cloud["clusters"];
  /** As the load balancer sees them. */
  readonly endpointGroups: EndpointGroups;
  list(): readonly Cluster[];
  /** Ends all clusters with their pods. */
  close(): Promise<void>;
}

/** The clusters that are declared. `make` builds one. */
export function createClusters(make: (options: ClusterOptions) => Promise<Cluster> | Cluster): Clusters {
  const clusters = new Map<
    string,
    { readonly cluster: Cluster; readonly project: string; readonly stop: () => void }
  >();
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  async function remove(endpoint: string): Promise<void> {
    const entry = clusters.get(endpoint);
    if (entry === undefined) return;
    clusters.delete(endpoint);
    entry.stop();
    changed();
    await entry.cluster.close();
  }

  return {
    byEndpoint: {
      get: (endpoint) => clusters.get(endpoint)?.cluster,
      async create(options) {
        const known = clusters.get(options.endpoint);
        if (known !== undefined) return known.cluster;
        const cluster = await make(options);
        clusters.set(options.endpoint, { cluster, project: options.project, stop: cluster.onEndpointsChange(changed) });
        return cluster;
      },
      delete: remove,
    },
    endpointGroups: {
      list: () =>
        [...clusters.values()].flatMap(({ cluster, project }) =>
          cluster.endpointGroups().map((group) => ({ ...group, project })),
        ),
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    list: () => [...clusters.values()].map(({ cluster }) => cluster),
    async close() {
      await Promise.all([...clusters.keys()].map(remove));
    },
  };
}
