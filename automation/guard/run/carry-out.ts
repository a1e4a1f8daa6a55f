/** Carries out the effects of a run. */
import { checkStep } from "./check.ts";
import { proveRollback, proveStep, restartStep } from "./cluster.ts";
import type { RunContext } from "./context.ts";
import type { BatchView, Effect } from "./decide.ts";
import { judgeStep } from "./judge.ts";
import { lookAt, openUpgrade } from "./merge-request.ts";
import type { Outcome } from "./outcomes.ts";
import { openRollback } from "./rollback-request.ts";

/** Errors: those of the ports; each may be repeated. */
export function carryOut(context: RunContext, effect: Effect, view: BatchView, signal: AbortSignal): Promise<Outcome> {
  switch (effect.kind) {
    case "check":
      return checkStep(context, effect.cluster, view, signal);
    case "open-merge-request":
      return openUpgrade(context, effect.clusters, view, signal);
    case "look-merge-request":
      return lookAt(context, effect.clusters, view, false, signal);
    case "prove":
      return proveStep(context, effect.cluster, view, signal);
    case "judge":
      return judgeStep(context, effect, view, signal);
    case "restart":
      return restartStep(context, effect.cluster, view, signal);
    case "open-rollback":
      return openRollback(context, effect.clusters, view, signal);
    case "look-rollback":
      return lookAt(context, effect.clusters, view, true, signal);
    case "prove-rollback":
      return proveRollback(context, effect.cluster, view, signal);
  }
}
