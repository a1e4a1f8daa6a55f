import type { Clock } from "../../runtime/clock.ts";
import type { Controller } from "../control-loop.ts";
import { beginDeletion } from "../deletion.ts";
import type { ObjectStore } from "../object-store.ts";
import { DEPLOYMENT, POD, REPLICA_SET } from "../objects/kinds.ts";
import { controllerReference, isOwnedBy, objectMeta } from "../objects/metadata.ts";
import type { Deployment, ReplicaSet } from "../objects/workloads.ts";
import { DESIRED_REPLICAS, POD_TEMPLATE_HASH, REVISION, replicaSetSchema } from "../objects/workloads.ts";
import { deploymentStatus, isRolloutComplete } from "../rollout/deployment-status.ts";
import type { Resize, RolloutSet } from "../rollout/rollout.ts";
import { nextRecreateStep, nextRollingStep, rollingBounds, scaleInProportion } from "../rollout/rollout.ts";
import { templateHash } from "../rollout/template-hash.ts";

export interface DeploymentControllerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly wakeAt: (at: number) => void;
}

/** Deployment -> ReplicaSets. */
export function createDeploymentController({ store, clock, wakeAt }: DeploymentControllerOptions): Controller {
  function setsOf(deployment: Deployment): readonly ReplicaSet[] {
    return store.list(REPLICA_SET, deployment.metadata.namespace).filter((set) => isOwnedBy(set, deployment));
  }

  function reconcileOne(deployment: Deployment): void {
    const hash = templateHash(deployment.spec.template);
    const { next, old } = split(setsOf(deployment), hash);
    if (next === undefined) {
      if (deployment.spec.paused !== true) {
        store.create(REPLICA_SET, newReplicaSet(deployment, hash, revisionOf(old.at(-1)) + 1));
      }
    } else {
      syncRevision(deployment, next, old);
    }
    resizeSets(deployment, hash);
    const current = split(setsOf(deployment), hash);
    const latest = store.get(DEPLOYMENT, deployment.metadata.namespace, deployment.metadata.name) ?? deployment;
    const { status, wakeAt: at } = deploymentStatus({ deployment: latest, ...current, now: clock.now() });
    store.update(DEPLOYMENT, { ...latest, status }, "status");
    if (at !== undefined) wakeAt(at);
    if (isRolloutComplete(latest, status)) forgetHistory(latest, current.old);
  }

  /** The newest ReplicaSet has the highest revision, also when an old template comes back. */
  function syncRevision(deployment: Deployment, next: ReplicaSet, old: readonly ReplicaSet[]): void {
    const revision = Math.max(revisionOf(next), revisionOf(old.at(-1)) + 1);
    store.update(REPLICA_SET, annotated(next, { [REVISION]: String(revision) }), "metadata");
    store.update(DEPLOYMENT, annotated(deployment, { [REVISION]: String(revision) }), "metadata");
  }

  function resizeSets(deployment: Deployment, hash: string): void {
    const { next, old } = split(setsOf(deployment), hash);
    const { spec } = deployment;
    const sets = next === undefined ? old : [...old, next];
    const active = sets.filter((set) => set.spec.replicas > 0);
    const scaling = active.some((set) => set.metadata.annotations[DESIRED_REPLICAS] !== String(spec.replicas));
    if (scaling) {
      apply(deployment, sets, scalingSteps(deployment, next, active));
    } else if (next !== undefined && spec.paused !== true) {
      apply(deployment, sets, rolloutSteps(deployment, next, old));
    }
  }

  function rolloutSteps(deployment: Deployment, next: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] {
    const { strategy, replicas } = deployment.spec;
    if (strategy.rollingUpdate !== undefined) {
      return nextRollingStep({ replicas, ...strategy.rollingUpdate }, seen(next), old.map(seen));
    }
    const oldPods = store
      .list(POD, deployment.metadata.namespace)
      .filter((pod) => old.some((set) => isOwnedBy(pod, set))).length;
    return nextRecreateStep(replicas, seen(next), old.map(seen), oldPods);
  }

  function apply(deployment: Deployment, sets: readonly ReplicaSet[], steps: readonly Resize[]): void {
    for (const set of sets) {
      const replicas = steps.find((step) => step.name === set.metadata.name)?.replicas ?? set.spec.replicas;
      const marked = annotated(set, { [DESIRED_REPLICAS]: String(deployment.spec.replicas) });
      store.update(REPLICA_SET, { ...marked, spec: { ...set.spec, replicas } }, "spec");
    }
  }

  function forgetHistory(deployment: Deployment, old: readonly ReplicaSet[]): void {
    const empty = old.filter((set) => set.spec.replicas === 0 && set.status.replicas === 0);
    for (const set of empty.slice(0, Math.max(0, empty.length - deployment.spec.revisionHistoryLimit))) {
      beginDeletion(store, clock, REPLICA_SET, set);
    }
  }

  return {
    reconcile() {
      for (const deployment of store.list(DEPLOYMENT)) {
        if (deployment.metadata.deletionTimestamp === undefined) reconcileOne(deployment);
      }
    },
  };
}

/** Steps of a change of the Deployment's own size. */
function scalingSteps(
  deployment: Deployment,
  next: ReplicaSet | undefined,
  active: readonly ReplicaSet[],
): readonly Resize[] {
  const { replicas, strategy } = deployment.spec;
  const [only, ...others] = active;
  if (only !== undefined && others.length === 0) {
    return [{ name: only.metadata.name, replicas }];
  }
  if (strategy.rollingUpdate === undefined || replicas === 0) {
    return replicas === 0 ? active.map((set) => ({ name: set.metadata.name, replicas: 0 })) : [];
  }
  if (next !== undefined && next.status.availableReplicas >= replicas && next.spec.replicas >= replicas) {
    return active.map((set) => ({ name: set.metadata.name, replicas: set === next ? replicas : 0 }));
  }
  const { surge } = rollingBounds({ replicas, ...strategy.rollingUpdate });
  return scaleInProportion(active.map(seen), replicas + surge);
}

/** The set of the present template, and the others, oldest revision first. */
function split(
  sets: readonly ReplicaSet[],
  hash: string,
): { readonly next: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] } {
  const living = sets.filter((set) => set.metadata.deletionTimestamp === undefined);
  const next = living.find((set) => set.metadata.labels[POD_TEMPLATE_HASH] === hash);
  const old = living.filter((set) => set !== next).sort((a, b) => revisionOf(a) - revisionOf(b));
  return { next, old };
}

function newReplicaSet(deployment: Deployment, hash: string, revision: number): ReplicaSet {
  const { spec, metadata } = deployment;
  const labels = { ...spec.template.metadata.labels, [POD_TEMPLATE_HASH]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      ...objectMeta.parse({ name: `${metadata.name}-${hash}`, namespace: metadata.namespace, labels }),
      annotations: {
        ...metadata.annotations,
        [REVISION]: String(revision),
        [DESIRED_REPLICAS]: String(spec.replicas),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds: spec.minReadySeconds,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
    status: replicaSetSchema.shape.status.parse(undefined),
  };
}

function seen(set: ReplicaSet): RolloutSet {
  return { name: set.metadata.name, replicas: set.spec.replicas, available: set.status.availableReplicas };
}

function annotated<T extends Deployment | ReplicaSet>(object: T, annotations: Readonly<Record<string, string>>): T {
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
  };
}

function revisionOf(set: ReplicaSet | undefined): number {
  return Number(set?.metadata.annotations[REVISION] ?? 0);
}
