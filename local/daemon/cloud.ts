import type { Cluster } from "../autopilot/cluster.ts";
import type { CloudRun } from "../cloud-run/cloud-run.ts";
import type { Compute } from "../compute/compute.ts";
import type { ResourceStore } from "../compute/resource-store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The local cloud as the providers see it. */
export interface Cloud {
  readonly clock: Clock;
  readonly runtime: Runtime;
  /** What is declared, on disk. */
  readonly resources: ResourceStore;
  readonly cloudRun: CloudRun;
  readonly compute: Compute;
  /** Kubernetes clusters by endpoint. */
  readonly clusters: {
    get(endpoint: string): Cluster | undefined;
    create(options: { name: string; endpoint: string; project: string; location: string }): Promise<Cluster>;
    delete(endpoint: string): Promise<void>;
  };
}
