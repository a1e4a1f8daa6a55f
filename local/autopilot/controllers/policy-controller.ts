import type { Clock } from "../../runtime/clock.ts";
import type { Controller } from "../control-loop.ts";
import type { ObjectStore } from "../object-store.ts";
import { resolveIntOrPercent } from "../objects/int-or-percent.ts";
import { AUTOSCALER, DEPLOYMENT, DISRUPTION_BUDGET, POD } from "../objects/kinds.ts";
import { selectorMatches } from "../objects/label-selector.ts";
import { timestamp } from "../objects/metadata.ts";
import { isPodActive, isPodReady } from "../objects/pod.ts";
import type { Autoscaler, DisruptionBudget, DisruptionBudgetStatus } from "../objects/policies.ts";

/** The size that an autoscaler without metrics holds a workload to: within its bounds. 0 is left alone: somebody switched it off. */
export function boundedReplicas(current: number, minReplicas: number, maxReplicas: number): number {
  return current === 0 ? 0 : Math.min(Math.max(current, minReplicas), maxReplicas);
}

/** What a disruption budget allows. */
export function disruptionCounts(
  budget: DisruptionBudget,
  expectedPods: number,
  currentHealthy: number,
): Pick<DisruptionBudgetStatus, "expectedPods" | "currentHealthy" | "desiredHealthy" | "disruptionsAllowed"> {
  const { minAvailable, maxUnavailable } = budget.spec;
  const desiredHealthy =
    maxUnavailable === undefined
      ? resolveIntOrPercent(minAvailable ?? 1, expectedPods, "up")
      : Math.max(0, expectedPods - resolveIntOrPercent(maxUnavailable, expectedPods, "up"));
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  return { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed };
}

/** Autoscalers hold their bounds and report; disruption budgets report. */
export function createPolicyController(store: ObjectStore, clock: Clock): Controller {
  function autoscale(autoscaler: Autoscaler): void {
    const { scaleTargetRef, minReplicas, maxReplicas } = autoscaler.spec;
    const deployment =
      scaleTargetRef.kind === "Deployment"
        ? store.get(DEPLOYMENT, autoscaler.metadata.namespace, scaleTargetRef.name)
        : undefined;
    const current = deployment?.spec.replicas ?? 0;
    const desired = boundedReplicas(current, minReplicas, maxReplicas);
    if (deployment !== undefined && deployment.metadata.deletionTimestamp === undefined && desired !== current) {
      store.update(DEPLOYMENT, { ...deployment, spec: { ...deployment.spec, replicas: desired } }, "spec");
    }
    const since = (type: string) =>
      autoscaler.status.conditions.find((entry) => entry.type === type)?.lastTransitionTime ?? timestamp(clock.now());
    const scalingActive = {
      type: "ScalingActive",
      status: "False" as const,
      reason: "NotSimulated",
      message: "the local cluster keeps the replicas within minReplicas and maxReplicas and does not scale by metrics",
      lastTransitionTime: since("ScalingActive"),
    };
    const status = {
      ...autoscaler.status,
      currentReplicas: deployment?.status.replicas ?? 0,
      desiredReplicas: desired,
      conditions: [scalingActive],
    };
    store.update(AUTOSCALER, { ...autoscaler, status }, "status");
  }

  function report(budget: DisruptionBudget): void {
    const { selector } = budget.spec;
    const pods = store
      .list(POD, budget.metadata.namespace)
      .filter((pod) => selector !== undefined && isPodActive(pod) && selectorMatches(selector, pod.metadata.labels));
    const counts = disruptionCounts(budget, pods.length, pods.filter(isPodReady).length);
    const status = { ...budget.status, ...counts, observedGeneration: budget.metadata.generation };
    store.update(DISRUPTION_BUDGET, { ...budget, status }, "status");
  }

  return {
    reconcile() {
      for (const autoscaler of store.list(AUTOSCALER)) autoscale(autoscaler);
      for (const budget of store.list(DISRUPTION_BUDGET)) report(budget);
    },
  };
}
