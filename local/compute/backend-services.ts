import type { ClusterEndpointGroup, Endpoint } from "../autopilot/cluster.ts";
import type { CloudRun } from "../cloud-run/cloud-run.ts";
import type { Backend } from "../router/backend.ts";
import type { Clock } from "../runtime/clock.ts";
import { groupsOf, healthCheckOf } from "./declared-references.ts";
import { healthCheckSettings, type Probe } from "./health-check.ts";
import { partialPath, projectOf, shortName } from "./references.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { DeclaredResource, Properties } from "./resources.ts";
import { createServerlessBackend } from "./serverless-backend.ts";
import { tokens } from "./tokens.ts";
import {
  createZonalBackend,
  noHealthyUpstream,
  type ZonalBackend,
  type ZonalBackendSettings,
} from "./zonal-backend.ts";

/** Google's default for backend services, s. */
const defaultTimeoutSec = 30;

/** Zonal endpoint groups of all clusters, with the project that each cluster is in. */
export interface EndpointGroups {
  list(): readonly (ClusterEndpointGroup & { readonly project: string })[];
  onChange(listener: () => void): () => void;
}

export interface BackendServicesOptions {
  readonly resources: ResourceStore;
  readonly endpointGroups: EndpointGroups;
  readonly cloudRun: CloudRun;
  readonly clock: Clock;
  readonly probe: Probe;
}

export interface BackendServices {
  /** The data path of the backend service of that path. */
  get(path: string): Backend | undefined;
  /** Brings the data paths in line with what is declared. */
  reconcile(): void;
  close(): void;
}

type Known =
  | { readonly kind: "zonal"; readonly backend: ZonalBackend }
  | { readonly kind: "serverless"; readonly backend: Backend; readonly service: string }
  | { readonly kind: "empty"; readonly backend: Backend };

/** Keeps one Backend for each declared BackendService. */
export function createBackendServices(options: BackendServicesOptions): BackendServices {
  const known = new Map<string, Known>();

  function build(resource: DeclaredResource, current: Known | undefined): Known {
    const name = shortName(resource.id);
    const project = projectOf(resource.id) ?? "";
    const groups = groupsOf(resource.inputs["backends"]).map((group) => partialPath(group, project));
    const service = groups
      .map((group) => cloudRunServiceOf(options.resources, group))
      .find((found) => found !== undefined);
    if (service !== undefined) {
      if (current?.kind === "serverless" && current.service === service) return current;
      closeKnown(current);
      return { kind: "serverless", service, backend: createServerlessBackend(name, options.cloudRun, service) };
    }
    if (groups.length === 0) {
      if (current?.kind === "empty") return current;
      closeKnown(current);
      return {
        kind: "empty",
        backend: { name, timeoutMs: defaultTimeoutSec * 1000, reserve: () => noHealthyUpstream },
      };
    }
    const settings = zonalSettings(resource, options.resources);
    const zonal = current?.kind === "zonal" ? current : createZonal(name, settings, current);
    zonal.backend.configure(settings);
    zonal.backend.setEndpoints(endpointsOf(groups, options.endpointGroups));
    return zonal;
  }

  function createZonal(
    name: string,
    settings: ZonalBackendSettings,
    current: Known | undefined,
  ): Known & { kind: "zonal" } {
    closeKnown(current);
    const { clock, probe } = options;
    return { kind: "zonal", backend: createZonalBackend({ name, settings, clock, probe }) };
  }

  function reconcile(): void {
    const declared = options.resources.list(tokens.backendService);
    const paths = new Set(declared.map((resource) => resource.id));
    for (const [path, entry] of known) {
      if (paths.has(path)) continue;
      closeKnown(entry);
      known.delete(path);
    }
    for (const resource of declared) known.set(resource.id, build(resource, known.get(resource.id)));
  }

  const stop = options.endpointGroups.onChange(reconcile);
  return {
    get: (path) => known.get(path)?.backend,
    reconcile,
    close() {
      stop();
      for (const entry of known.values()) closeKnown(entry);
      known.clear();
    },
  };
}

function closeKnown(entry: Known | undefined): void {
  if (entry?.kind === "zonal") entry.backend.close();
}

function zonalSettings(resource: DeclaredResource, resources: ResourceStore): ZonalBackendSettings {
  const { inputs } = resource;
  const reference = healthCheckOf(inputs["healthChecks"]);
  const path = reference === null ? undefined : partialPath(reference, projectOf(resource.id) ?? "");
  const check = path === undefined ? undefined : resources.get(tokens.healthCheck, path);
  const timeout = inputs["timeoutSec"];
  return {
    timeoutMs: (typeof timeout === "number" ? timeout : defaultTimeoutSec) * 1000,
    healthCheck: check && healthCheckSettings(check.inputs),
    policy: inputs["localityLbPolicy"] === "LEAST_REQUEST" ? "least-request" : "round-robin",
  };
}

function endpointsOf(groups: readonly string[], source: EndpointGroups): Endpoint[] {
  return source
    .list()
    .filter((group) => groups.includes(zonalGroupPath(group.project, group.zone, group.name)))
    .flatMap((group) => group.endpoints);
}

/** The path of a zonal endpoint group. */
export function zonalGroupPath(project: string, zone: string, name: string): string {
  return `projects/${project}/zones/${zone}/networkEndpointGroups/${name}`;
}

/** The Cloud Run service of a declared serverless group: projects/P/locations/L/services/S. */
function cloudRunServiceOf(resources: ResourceStore, group: string): string | undefined {
  const declared = resources.get(tokens.endpointGroup, group);
  return declared && serverlessService(declared.id, declared.inputs);
}

/** The Cloud Run service that a serverless group's inputs name. */
export function serverlessService(groupPath: string, inputs: Properties): string | undefined {
  const run = inputs["cloudRun"];
  const service = typeof run === "object" && run !== null && !Array.isArray(run) ? run["service"] : undefined;
  const match = /^projects\/([^/]+)\/regions\/([^/]+)\//.exec(groupPath);
  if (typeof service !== "string" || match === null) return undefined;
  return `projects/${match[1]}/locations/${match[2]}/services/${shortName(service)}`;
}
