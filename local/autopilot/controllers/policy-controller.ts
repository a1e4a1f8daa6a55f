import type { Controller } from "../control-loop.ts";
import type { ObjectStore } from "../object-store.ts";
import { resolveIntOrPercent } from "../objects/int-or-percent.ts";
import { DISRUPTION_BUDGET, POD } from "../objects/kinds.ts";
import { selectorMatches } from "../objects/label-selector.ts";
import { isPodActive, isPodReady } from "../objects/pod.ts";
import type { DisruptionBudget, DisruptionBudgetStatus } from "../objects/policies.ts";

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

/** Disruption budgets report. */
export function createPolicyController(store: ObjectStore): Controller {
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
      for (const budget of store.list(DISRUPTION_BUDGET)) report(budget);
    },
  };
}
