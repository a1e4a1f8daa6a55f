import { isDeepStrictEqual } from "node:util";
import { KubernetesError } from "../kubernetes-error.ts";
import type { Container, PodSpec } from "../objects/pod.ts";
import { formatCpu, formatMemory, GIB, MIB, parseQuantity } from "../objects/quantity.ts";

export const RESOURCE_ADJUSTMENT = "autopilot.gke.io/resource-adjustment";
const COMPUTE_CLASS = "cloud.google.com/compute-class";
const MAX_EPHEMERAL_BYTES = 10 * GIB;

/** What Autopilot allows a pod of one compute class. */
interface ClassLimits {
  readonly minCores: number;
  readonly minBytes: number;
  readonly maxCores: number;
  readonly maxBytes: number;
  /** GiB of memory per core. */
  readonly minRatio: number;
  readonly maxRatio: number;
}

/** research/local-dev.md 93-96: a cluster that can burst (GKE 1.30.2 and newer), so there is no rounding to 250m. */
const GENERAL_PURPOSE: ClassLimits = {
  minCores: 0.05,
  minBytes: 52 * MIB,
  maxCores: 30,
  maxBytes: 110 * GIB,
  minRatio: 1,
  maxRatio: 6.5,
};

const CLASSES: Readonly<Record<string, ClassLimits>> = {
  "general-purpose": GENERAL_PURPOSE,
  Balanced: { minCores: 0.25, minBytes: 0.5 * GIB, maxCores: 222, maxBytes: 851 * GIB, minRatio: 1, maxRatio: 8 },
  "Scale-Out": { minCores: 0.25, minBytes: GIB, maxCores: 54, maxBytes: 216 * GIB, minRatio: 4, maxRatio: 4 },
};

const DEFAULT_CORES = 0.5;
const DEFAULT_BYTES = 2 * GIB;
const DEFAULT_EPHEMERAL = "1Gi";
/** GiB per core of the defaults; a lone CPU or memory request gets the other by it. */
const DEFAULT_RATIO = 4;

type Resources = Container["resources"];

/**
 * What Autopilot makes of the requests: defaults where there are none, raised to the class' minimum and ratio, never lowered; twice is
 * as once. Errors: KubernetesError Forbidden above the class' maximum.
 */
export function adjustResources(
  spec: PodSpec,
  workload: string,
  annotations: Readonly<Record<string, string>>,
): { readonly spec: PodSpec; readonly annotations: Record<string, string> } {
  const limits = CLASSES[spec.nodeSelector?.[COMPUTE_CLASS] ?? "general-purpose"];
  if (limits === undefined) {
    return { spec, annotations: { ...annotations } };
  }
  const containers = spec.containers.map((container) => ({
    ...container,
    resources: adjustContainer(container.resources, limits, workload),
  }));
  const shown = (list: readonly Container[]) =>
    list.map(({ name, resources }) => ({ limits: resources.limits, requests: resources.requests, name }));
  if (isDeepStrictEqual(containers, spec.containers)) {
    return { spec, annotations: { ...annotations } };
  }
  const input = JSON.stringify({ containers: shown(spec.containers) });
  const output = JSON.stringify({ containers: shown(containers) });
  return {
    spec: { ...spec, containers },
    annotations: { ...annotations, [RESOURCE_ADJUSTMENT]: `{"input":${input},"output":${output},"modified":true}` },
  };
}

function adjustContainer(resources: Resources, limits: ClassLimits, workload: string): Resources {
  // As for every Kubernetes pod: a limit without a request is the request.
  const wanted = { ...resources.limits, ...resources.requests };
  const asked = { cores: amount(wanted["cpu"]), bytes: amount(wanted["memory"]) };
  const cores = asked.cores ?? (asked.bytes === undefined ? DEFAULT_CORES : asked.bytes / GIB / DEFAULT_RATIO);
  const bytes = asked.bytes ?? (asked.cores === undefined ? DEFAULT_BYTES : asked.cores * DEFAULT_RATIO * GIB);
  const leastCores = Math.max(cores, limits.minCores, Math.max(bytes, limits.minBytes) / GIB / limits.maxRatio);
  const leastBytes = Math.max(bytes, limits.minBytes, leastCores * limits.minRatio * GIB);
  const ephemeral = wanted["ephemeral-storage"] ?? DEFAULT_EPHEMERAL;
  refuseAbove("cpu", workload, leastCores, limits.maxCores, `${limits.maxCores}`);
  refuseAbove("memory", workload, leastBytes, limits.maxBytes, `${limits.maxBytes / GIB}Gi`);
  refuseAbove("ephemeral-storage", workload, amount(ephemeral) ?? 0, MAX_EPHEMERAL_BYTES, "10Gi");
  const requests = {
    ...wanted,
    cpu: unchangedOr(wanted["cpu"], leastCores, formatCpu),
    memory: unchangedOr(wanted["memory"], leastBytes, formatMemory),
    "ephemeral-storage": ephemeral,
  };
  return { ...resources, requests, limits: raisedLimits(resources.limits, requests) };
}

/** Limits never lie under requests; those for storage follow them. Without CPU and memory limits a pod may burst. */
function raisedLimits(limits: Resources["limits"], requests: Readonly<Record<string, string>>): Record<string, string> {
  const raised: Record<string, string> = {
    ...limits,
    "ephemeral-storage": requests["ephemeral-storage"] ?? DEFAULT_EPHEMERAL,
  };
  for (const name of ["cpu", "memory"]) {
    const limit = raised[name];
    const request = requests[name];
    if (limit !== undefined && request !== undefined && (amount(limit) ?? 0) < (amount(request) ?? 0)) {
      raised[name] = request;
    }
  }
  return raised;
}

function amount(quantity: string | undefined): number | undefined {
  return quantity === undefined ? undefined : parseQuantity(quantity);
}

function unchangedOr(given: string | undefined, value: number, format: (value: number) => string): string {
  return given !== undefined && amount(given) === value ? given : format(value);
}

function refuseAbove(resource: string, workload: string, value: number, most: number, shown: string): void {
  if (value > most) {
    const text = `Total ${resource} requested by containers for workload '${workload}' is higher than the Autopilot maximum of '${shown}'.`;
    throw new KubernetesError(
      400,
      "GKE Warden constraints violations",
      `admission webhook "warden-validating.common-webhooks.networking.gke.io" denied the request: GKE Warden rejected the request because it violates one or more constraints.\nViolations details: {"[denied by autogke-pod-limit-constraints]":[${JSON.stringify(text)}]}`,
    );
  }
}
