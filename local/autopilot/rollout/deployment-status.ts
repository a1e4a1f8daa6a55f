import { timestamp } from "../objects/metadata.ts";
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../objects/workloads.ts";
import { rollingBounds } from "./rollout.ts";

export interface RolloutObservation {
  readonly deployment: Deployment;
  /** Undefined before the controller has made it. */
  readonly next: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** ms since the epoch. */
  readonly now: number;
}

/** The Deployment's status after what is observed, and when time alone may change it (the progress deadline), ms since the epoch. */
export function deploymentStatus(observation: RolloutObservation): {
  readonly status: DeploymentStatus;
  readonly wakeAt: number | undefined;
} {
  const { deployment, next, old, now } = observation;
  const sets = next === undefined ? old : [next, ...old];
  const available = count(sets, (set) => set.status.availableReplicas);
  const replicas = count(sets, (set) => set.status.replicas);
  const counts = {
    observedGeneration: deployment.metadata.generation,
    replicas,
    updatedReplicas: next?.status.replicas ?? 0,
    readyReplicas: count(sets, (set) => set.status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, count(sets, (set) => set.spec.replicas) - available),
  };
  const before = deployment.status.conditions;
  const progressing = progressingCondition(observation, counts, find(before, "Progressing"));
  const failure = replicaFailure(sets, now, find(before, "ReplicaFailure"));
  const conditions = [
    availableCondition(deployment, available, now, find(before, "Available")),
    ...(progressing === undefined ? [] : [progressing]),
    ...(failure === undefined ? [] : [failure]),
  ];
  return { status: { ...deployment.status, ...counts, conditions }, wakeAt: deadline(deployment, progressing, now) };
}

/** Whether the newest template runs everywhere and nothing else does. */
export function isRolloutComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const { replicas } = deployment.spec;
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    status.observedGeneration >= deployment.metadata.generation
  );
}

function availableCondition(
  deployment: Deployment,
  available: number,
  now: number,
  before: DeploymentCondition | undefined,
): DeploymentCondition {
  const { replicas, strategy } = deployment.spec;
  const unavailable =
    strategy.rollingUpdate === undefined ? 0 : rollingBounds({ replicas, ...strategy.rollingUpdate }).unavailable;
  return available >= replicas - unavailable
    ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now, before)
    : condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        now,
        before,
      );
}

function progressingCondition(
  { deployment, next, now }: RolloutObservation,
  counts: Omit<DeploymentStatus, "conditions">,
  before: DeploymentCondition | undefined,
): DeploymentCondition | undefined {
  if (next === undefined) {
    return before;
  }
  const { name } = next.metadata;
  const status = { ...deployment.status, ...counts };
  const renewed = before === undefined || !before.message.includes(`"${name}"`);
  if (isRolloutComplete(deployment, status)) {
    const text = `ReplicaSet "${name}" has successfully progressed.`;
    return condition(
      "Progressing",
      "True",
      "NewReplicaSetAvailable",
      text,
      now,
      before,
      before?.reason !== "NewReplicaSetAvailable",
    );
  }
  if (renewed) {
    return condition(
      "Progressing",
      "True",
      "NewReplicaSetCreated",
      `Created new replica set "${name}"`,
      now,
      before,
      true,
    );
  }
  if (hasProgressed(deployment.status, counts)) {
    return condition(
      "Progressing",
      "True",
      "ReplicaSetUpdated",
      `ReplicaSet "${name}" is progressing.`,
      now,
      before,
      true,
    );
  }
  if (before.reason !== "NewReplicaSetAvailable" && dueTime(deployment, before) <= now) {
    const text = `ReplicaSet "${name}" has timed out progressing.`;
    return condition("Progressing", "False", "ProgressDeadlineExceeded", text, now, before);
  }
  return before;
}

function hasProgressed(before: DeploymentStatus, now: Omit<DeploymentStatus, "conditions">): boolean {
  return (
    now.updatedReplicas > before.updatedReplicas ||
    now.replicas - now.updatedReplicas < before.replicas - before.updatedReplicas ||
    now.readyReplicas > before.readyReplicas ||
    now.availableReplicas > before.availableReplicas
  );
}

/** Carried up from a ReplicaSet that cannot make pods, for example for want of its service account. */
function replicaFailure(
  sets: readonly ReplicaSet[],
  now: number,
  before: DeploymentCondition | undefined,
): DeploymentCondition | undefined {
  const failed = sets.flatMap((set) => set.status.conditions).find((entry) => entry.type === "ReplicaFailure");
  return failed === undefined
    ? undefined
    : condition("ReplicaFailure", "True", failed.reason, failed.message, now, before);
}

function deadline(
  deployment: Deployment,
  progressing: DeploymentCondition | undefined,
  now: number,
): number | undefined {
  const waiting =
    progressing !== undefined && progressing.status === "True" && progressing.reason !== "NewReplicaSetAvailable";
  const due = waiting ? dueTime(deployment, progressing) : undefined;
  return due === undefined || due <= now ? undefined : due;
}

function dueTime(deployment: Deployment, progressing: DeploymentCondition): number {
  return Date.parse(progressing.lastUpdateTime) + deployment.spec.progressDeadlineSeconds * 1000;
}

function condition(
  type: string,
  status: "True" | "False",
  reason: string,
  message: string,
  now: number,
  before: DeploymentCondition | undefined,
  renew = false,
): DeploymentCondition {
  const same = before?.status === status && before.reason === reason && before.message === message;
  return {
    type,
    status,
    reason,
    message,
    lastUpdateTime: same && !renew ? before.lastUpdateTime : timestamp(now),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(now),
  };
}

function find(conditions: readonly DeploymentCondition[], type: string): DeploymentCondition | undefined {
  return conditions.find((entry) => entry.type === type);
}

function count(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0);
}
