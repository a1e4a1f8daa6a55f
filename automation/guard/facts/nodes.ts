/** Nodes, what they can still take, and the pods without which nothing works. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { parseMinor } from "../plan/versions.ts";
import type { Evidence } from "../rules/evidence.ts";
import { conditions, flag, isTrue, list, metadata, read, timeOf, Unreadable } from "./objects.ts";
import type { Container, Pod, PodFields } from "./pods.ts";
import { quantity } from "./quantity.ts";

const node = z.object({
  metadata,
  spec: z.object({ unschedulable: flag, taints: list(z.object({ key: z.string(), effect: z.string() })) }).nullish(),
  status: z.object({ conditions, allocatable: z.record(z.string(), z.union([z.string(), z.number()])).nullish() }),
});

const pressures = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"] as const;
/** Besides those of the control planes. */
const criticalNamespaces = ["kube-system", "flux-system"] as const;
const minute = 60_000;

export interface KubernetesFacts {
  /** `1.33`, or with a suffix. */
  readonly version: string;
  readonly failingChecks: readonly string[];
  readonly nodes: readonly KubernetesObject[];
  readonly pods: readonly Pod[];
  /** Namespaces of istiod. */
  readonly meshNamespaces: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
  /** In which restarts count. */
  readonly windowMinutes: number;
}

/** Errors: Unreadable. */
export function kubernetesSection(facts: KubernetesFacts): NonNullable<Evidence["kubernetes"]> {
  const minor = parseMinor(facts.version);
  if (minor === undefined) throw new Unreadable(`"${facts.version}" is no version of Kubernetes`);
  const nodes = read(node, facts.nodes);
  if (nodes.length === 0) throw new Unreadable("there is no node");
  const open = nodes.filter(
    ({ spec, status }) =>
      isTrue(status.conditions, "Ready") &&
      spec?.unschedulable !== true &&
      !(spec?.taints ?? []).some(({ effect }) => effect === "NoSchedule" || effect === "NoExecute"),
  );
  const free = open.map(({ metadata: { name }, status }) => {
    const own = facts.pods.filter((pod) => pod.node === name && !pod.gone);
    const left = (resource: "cpu" | "memory"): number =>
      amount(status.allocatable?.[resource] ?? 0) -
      own.reduce((sum, { fields }) => sum + requested(fields, resource), 0);
    return { cpu: Math.max(0, left("cpu")), memory: Math.max(0, left("memory")) };
  });
  const critical = [...criticalNamespaces, ...facts.meshNamespaces];
  return {
    minor,
    ready: facts.failingChecks.length === 0,
    nodes: nodes.map(({ metadata: { name }, status }) => ({
      name,
      ready: isTrue(status.conditions, "Ready"),
      pressure: pressures.filter((type) => isTrue(status.conditions, type)),
    })),
    criticalPods: facts.pods
      .filter(({ namespace, owner, gone }) => critical.includes(namespace) && owner.kind !== "Job" && !gone)
      .map((pod) => ({
        name: `${pod.namespace}/${pod.name}`,
        ready: pod.ready,
        restarts: restarts(pod, facts.now - facts.windowMinutes * minute),
      })),
    freeCpuMillis: Math.floor(free.reduce((sum, { cpu }) => sum + cpu, 0) * 1_000),
    freeMemoryMi: Math.floor(free.reduce((sum, { memory }) => sum + memory, 0) / 1024 ** 2),
  };
}

function amount(text: string | number): number {
  const value = quantity(text);
  if (value === undefined) throw new Unreadable(`"${text}" is no quantity`);
  return value;
}

/** As the scheduler counts: containers and those that stay beside them, or the greatest that runs before. */
function requested({ spec }: PodFields, resource: "cpu" | "memory"): number {
  const of = (container: Container): number => amount(container.resources?.requests?.[resource] ?? 0);
  const stays = (container: Container): boolean => container.restartPolicy === "Always";
  const running = [...spec.containers, ...spec.initContainers.filter(stays)].reduce((sum, one) => sum + of(one), 0);
  const before = spec.initContainers.filter((one) => !stays(one)).map(of);
  return Math.max(running, ...before) + amount(spec.overhead?.[resource] ?? 0);
}

/** The server tells only when the last one was: at least one for each container that ended in the window. */
function restarts({ fields, createdAt }: Pod, since: number): number {
  const statuses = [...(fields.status?.containerStatuses ?? []), ...(fields.status?.initContainerStatuses ?? [])];
  return statuses.reduce((sum, { restartCount, lastState }) => {
    const ended = timeOf(lastState?.terminated?.finishedAt);
    if (restartCount === 0 || ended === undefined || ended < since) return sum;
    return sum + (createdAt >= since ? restartCount : 1);
  }, 0);
}
