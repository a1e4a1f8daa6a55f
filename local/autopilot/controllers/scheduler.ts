import type { Clock } from "../../runtime/clock.ts";
import type { Controller } from "../control-loop.ts";
import type { ObjectStore } from "../object-store.ts";
import { POD } from "../objects/kinds.ts";
import { timestamp } from "../objects/metadata.ts";
import type { Pod } from "../objects/pod.ts";
import { isPodActive, ZONE_LABEL } from "../objects/pod.ts";
import { chooseZone } from "../rollout/pod-choice.ts";

export interface SchedulerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly cluster: string;
  readonly zones: readonly string[];
}

/** Gives every new pod a zone (as label, which Kubernetes copies from the node) and the zone's node. */
export function createScheduler({ store, clock, cluster, zones }: SchedulerOptions): Controller {
  function place(pod: Pod): void {
    const owner = pod.metadata.ownerReferences[0]?.uid;
    const siblings = store
      .list(POD, pod.metadata.namespace)
      .filter((other) => other !== pod && isPodActive(other) && other.metadata.ownerReferences[0]?.uid === owner);
    const zone = chooseZone(zones, siblings);
    const labels = {
      ...pod.metadata.labels,
      [ZONE_LABEL]: zone,
      "topology.kubernetes.io/region": zone.replace(/-[^-]+$/, ""),
    };
    const scheduled = { type: "PodScheduled", status: "True" as const, lastTransitionTime: timestamp(clock.now()) };
    store.update(
      POD,
      {
        ...pod,
        metadata: { ...pod.metadata, labels },
        spec: { ...pod.spec, nodeName: `gk3-${cluster}-${zone}` },
        status: { ...pod.status, conditions: [scheduled] },
      },
      "metadata",
    );
  }

  return {
    reconcile() {
      for (const pod of store.list(POD)) {
        if (pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined) place(pod);
      }
    },
  };
}
