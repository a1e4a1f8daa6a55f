import type { Pod } from "../objects/pod.ts";
import { podCondition, ZONE_LABEL } from "../objects/pod.ts";

/** The pods that a ReplicaSet gives up first: those that serve least, then the youngest. */
export function podsToDelete(pods: readonly Pod[], count: number): readonly Pod[] {
  return [...pods].sort(byUse).slice(0, Math.max(0, count));
}

/** Negative when `a` is to go before `b`; the order of Kubernetes' ActivePodsWithRanks. */
function byUse(a: Pod, b: Pod): number {
  return (
    Number(a.status.phase === "Running") - Number(b.status.phase === "Running") ||
    Number(isReady(a)) - Number(isReady(b)) ||
    readySince(b) - readySince(a) ||
    restarts(b) - restarts(a) ||
    Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp)
  );
}

function isReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

function readySince(pod: Pod): number {
  const ready = podCondition(pod, "Ready");
  return ready?.status === "True" ? Date.parse(ready.lastTransitionTime) : 0;
}

function restarts(pod: Pod): number {
  return pod.status.containerStatuses[0]?.restartCount ?? 0;
}

/**
 * The zone for one more pod: the one that holds fewest of `siblings` (pods of the same owner), the first of equals, so that
 * the pods of one ReplicaSet go round the zones.
 */
export function chooseZone(zones: readonly string[], siblings: readonly Pod[]): string {
  const load = (zone: string) => siblings.filter((pod) => pod.metadata.labels[ZONE_LABEL] === zone).length;
  return zones.reduce((best, zone) => (load(zone) < load(best) ? zone : best));
}
