import type { Clock } from "../../runtime/clock.ts";
import { requireServiceAccount } from "../admission/admit.ts";
import type { Controller } from "../control-loop.ts";
import { beginDeletion } from "../deletion.ts";
import { KubernetesError } from "../kubernetes-error.ts";
import type { ObjectStore } from "../object-store.ts";
import { NAMESPACE, POD, REPLICA_SET, SERVICE_ACCOUNT } from "../objects/kinds.ts";
import { controllerReference, isOwnedBy, objectMeta, timestamp } from "../objects/metadata.ts";
import type { Pod } from "../objects/pod.ts";
import { availableAt, isPodActive, isPodReady } from "../objects/pod.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../objects/workloads.ts";
import { podsToDelete } from "../rollout/pod-choice.ts";
import { randomSuffix } from "../rollout/template-hash.ts";

export interface ReplicaSetControllerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly wakeAt: (at: number) => void;
}

/** A generated name has at most 63 characters, the suffix included. */
const LONGEST_BASE = 57;
const SUFFIX = 5;

/** ReplicaSet -> Pods. */
export function createReplicaSetController(options: ReplicaSetControllerOptions): Controller {
  const { store, clock, random, wakeAt } = options;

  function podsOf(set: ReplicaSet): readonly Pod[] {
    return store.list(POD, set.metadata.namespace).filter((pod) => isOwnedBy(pod, set));
  }

  function reconcileOne(set: ReplicaSet): void {
    const active = podsOf(set).filter(isPodActive);
    const failure =
      set.metadata.deletionTimestamp === undefined ? createMissing(set, set.spec.replicas - active.length) : undefined;
    if (set.metadata.deletionTimestamp === undefined) {
      for (const pod of podsToDelete(active, active.length - set.spec.replicas)) {
        beginDeletion(store, clock, POD, pod, pod.spec.terminationGracePeriodSeconds);
      }
    }
    store.update(REPLICA_SET, { ...set, status: statusOf(set, failure) }, "status");
  }

  function createMissing(set: ReplicaSet, count: number): KubernetesError | undefined {
    for (let made = 0; made < count; made += 1) {
      try {
        createPod(set);
      } catch (error) {
        if (error instanceof KubernetesError) return error;
        throw error;
      }
    }
    return undefined;
  }

  function createPod(set: ReplicaSet): void {
    const { namespace } = set.metadata;
    const base = `${set.metadata.name.slice(0, LONGEST_BASE)}-`;
    let name = base + randomSuffix(SUFFIX, random);
    while (store.get(POD, namespace, name) !== undefined) name = base + randomSuffix(SUFFIX, random);
    const { serviceAccountName } = set.spec.template.spec;
    if (store.get(NAMESPACE, "", namespace)?.status.phase !== "Active") return;
    const account = store.get(SERVICE_ACCOUNT, namespace, serviceAccountName);
    requireServiceAccount({ name: base, namespace, serviceAccountName }, account !== undefined);
    const { labels, annotations = {} } = set.spec.template.metadata;
    store.create(POD, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        ...objectMeta.parse({ name, namespace, labels }),
        annotations,
        ownerReferences: [controllerReference(set)],
      },
      spec: set.spec.template.spec,
      status: { phase: "Pending", conditions: [], containerStatuses: [] },
    });
  }

  function statusOf(set: ReplicaSet, failure: KubernetesError | undefined): ReplicaSetStatus {
    const active = podsOf(set).filter(isPodActive);
    const now = clock.now();
    const times = active.flatMap((pod) => availableAt(pod, set.spec.minReadySeconds) ?? []);
    for (const at of times) {
      if (at > now) wakeAt(at);
    }
    const before = set.status.conditions.find((entry) => entry.message === failure?.message);
    return {
      ...set.status,
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: active.filter(isPodReady).length,
      availableReplicas: times.filter((at) => at <= now).length,
      conditions:
        failure === undefined
          ? []
          : [
              {
                type: "ReplicaFailure",
                status: "True",
                reason: "FailedCreate",
                message: failure.message,
                lastTransitionTime: before?.lastTransitionTime ?? timestamp(now),
              },
            ],
    };
  }

  return {
    reconcile() {
      for (const set of store.list(REPLICA_SET)) reconcileOne(set);
    },
  };
}
