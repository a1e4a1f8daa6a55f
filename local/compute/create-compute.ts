import { join } from "node:path";
import type { CloudRun } from "../cloud-run/cloud-run.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBackendServices, type EndpointGroups } from "./backend-services.ts";
import type { Compute } from "./compute.ts";
import { declaredUserOf } from "./declared-references.ts";
import type { Probe } from "./health-check.ts";
import { openListenerPorts } from "./listener-ports.ts";
import { createLoadBalancer, type Following, type ListenerHost } from "./load-balancer.ts";
import type { ResourceStore } from "./resource-store.ts";
import { tokens } from "./tokens.ts";
import { openUrlMaps } from "./url-maps.ts";

export interface ComputeOptions {
  /** Where url-maps.json and listeners.json are. */
  readonly folder: string;
  readonly resources: ResourceStore;
  readonly cloudRun: CloudRun;
  readonly endpointGroups: EndpointGroups;
  readonly host: ListenerHost;
  readonly clock: Clock;
  readonly probe: Probe;
  /** In [0, 1). */
  readonly random: () => number;
  readonly following: Following;
  /** Ports by forwarding rule name. */
  readonly listenerPorts: Readonly<Record<string, number>>;
}

/** Google's load balancing over the declared resources. Errors: CorruptFileError. */
export async function createCompute(options: ComputeOptions): Promise<Compute> {
  const { resources, clock } = options;
  const [urlMaps, ports] = await Promise.all([
    openUrlMaps({
      path: join(options.folder, "url-maps.json"),
      clock,
      backendServiceExists: (path) => resources.get(tokens.backendService, path) !== undefined,
      usedBy: (path) => declaredUserOf(resources, path),
    }),
    openListenerPorts({
      path: join(options.folder, "listeners.json"),
      fixed: options.listenerPorts,
      random: options.random,
    }),
  ]);
  // A map that is not declared is what a crash left between its insertion and its declaration.
  for (const { project, map } of urlMaps.list()) {
    const path = `projects/${project}/global/urlMaps/${map.name}`;
    if (resources.get(tokens.urlMap, path) === undefined) await urlMaps.delete(project, map.name);
  }
  const backendServices = createBackendServices({
    resources,
    endpointGroups: options.endpointGroups,
    cloudRun: options.cloudRun,
    clock,
    probe: options.probe,
  });
  const balancer = createLoadBalancer({
    resources,
    urlMaps,
    backendServices,
    host: options.host,
    ports,
    clock,
    following: options.following,
  });
  return {
    urlMaps,
    listeners: { open: balancer.open, close: balancer.close, list: balancer.listeners },
    routing: balancer.routing,
    weights: balancer.weights,
    endpointGroups: (project) =>
      options.endpointGroups
        .list()
        .filter((group) => group.project === project)
        .map((group) => ({ project, zone: group.zone, name: group.name, size: group.endpoints.length })),
    userOf: (path) => urlMaps.userOf(path) ?? declaredUserOf(resources, path),
    close: balancer.shutdown,
  };
}
