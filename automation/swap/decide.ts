/**
 * What a swap does next: a pure function of its state, what was observed, and the time. It never waits, reads or writes.
 * Order of effects: weight only to a side that passed its acceptance suite; traffic moves before anything is removed; 100 %
 * that is not seen on the data plane blocks removal (shared research, hot swap 2.2).
 */
import { decideDrain, decideRelease, decideReturn } from "./decide-return.ts";
import { beginStep, decideBake, decideRetaining, decideShift } from "./decide-shift.ts";
import {
  ageEvidence,
  attempts,
  type Decision,
  type Evidence,
  endOrRelease,
  enter,
  failureEvidence,
  goBack,
  type Observation,
  pause,
  perform,
  wait,
} from "./decision.ts";
import { outcomeOf } from "./gates/limits.ts";
import { stopNow } from "./gates/stop.ts";
import { metricEvidence, metricLimits } from "./metric-state.ts";
import type { Reason } from "./reasons.ts";
import { canReturn, leavingReasons, nextStep, type SwapState } from "./state.ts";

export function decide(state: SwapState, seen: Observation, now: number): Decision {
  if (state.end !== undefined) return { kind: "leave", reason: state.end.reason };
  // A wish comes before an effect that a dead process left open: nobody wants a step up first.
  if (canReturn(state) && state.wish !== undefined)
    return goBack(state, state.wish === "abort" ? "requested-abort" : "requested-rollback", {});
  if (canReturn(state) && state.touched && state.deadMs !== undefined)
    return goBack(state, "engine-was-dead", { deadMs: state.deadMs });
  const finding = findingOf(state, seen);
  if (finding !== undefined) return goBack(state, finding.reason, { ...finding.evidence, ...ageEvidence(seen) });
  if (state.paused !== undefined && state.phase !== "returning") {
    const { reason } = state.paused;
    return leavingReasons.includes(reason) ? { kind: "leave", reason } : wait(`paused: ${reason}`);
  }
  // An effect without an outcome: the process died in the middle. Carrying it out again reads the world first.
  if (state.pending !== undefined) return { kind: "act", effect: state.pending.effect };
  return decidePhase(state, seen, now);
}

/** Whether the stop gate has found something, though an effect may still be under way. */
export function mustStop(state: SwapState, seen: Observation): boolean {
  return findingOf(state, seen) !== undefined;
}

/** What condemns a candidate that has users. In a failover there is no better side to go back to. */
function findingOf(
  state: SwapState,
  seen: Observation,
): { readonly reason: Reason; readonly evidence: Evidence } | undefined {
  if (!canReturn(state) || state.mode !== "swap" || (state.accepted?.[state.to] ?? 0) === 0) return undefined;
  const stop = stopNow(seen.gates, state.settings);
  if (stop !== undefined) return stop;
  return outcomeOf(state.metrics.tally, metricLimits(state)) === "failed"
    ? { reason: "metric-failed", evidence: metricEvidence(state) }
    : undefined;
}

/** Trying again would find the same: what was brought up is taken away. */
function refused(state: SwapState): Decision | undefined {
  return state.lastFailure?.code === "stateless-violation"
    ? goBack(state, "stateless-violation", failureEvidence(state))
    : undefined;
}

/** An acceptance older than this is run again before the first user's request, ms. */
const acceptanceHoldsMs = 60_000;

function decidePhase(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to } = state;
  const { capacity } = state.settings;
  switch (state.phase) {
    case "deploying":
      return perform(state, now, {
        effect: {
          kind: "deploy",
          platform: to,
          image: state.image,
          ...(capacity === undefined ? {} : { instances: capacity.candidate }),
        },
        attempts: attempts.deployment,
        next: () => enter("attaching", state.step, "platform-deployed"),
        otherwise: () => refused(state) ?? pause("deployment-failed", failureEvidence(state)),
      });
    case "attaching":
      return perform(state, now, {
        effect: { kind: "attach", platforms: [from, to] },
        attempts: attempts.deployment,
        next: () => enter("adding-entry", state.step, "backend-attached"),
        otherwise: () => refused(state) ?? pause("attach-failed", failureEvidence(state)),
      });
    case "adding-entry":
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [from]: 100, [to]: 0 } },
        // As in decideShift: giving up leaves users on a side that fails.
        attempts: state.mode === "failover" ? Number.POSITIVE_INFINITY : attempts.routing,
        next: () =>
          // A side that fails is not worth its instances.
          enter(
            state.mode === "swap" && capacity?.holdOld === true ? "holding" : "accepting",
            state.step,
            "entry-added",
          ),
        otherwise: () => goBack(state, "routing-failed", failureEvidence(state)),
      });
    case "holding":
      return perform(state, now, {
        effect: { kind: "hold", platform: from, instances: capacity?.old ?? 0 },
        attempts: attempts.deployment,
        next: () => enter("accepting", state.step, "capacity-held"),
        otherwise: () => pause("capacity-not-held", failureEvidence(state)),
      });
    case "accepting":
      return perform(state, now, {
        effect: { kind: "accept", platform: to },
        attempts: attempts.health,
        next: () => {
          const decision = beginStep(state, seen, now, nextStep(state), "acceptance-passed", {});
          // A freeze or a person may have taken long: nobody looked at a side without traffic meanwhile.
          const stale = state.doneAt !== undefined && now - state.doneAt > acceptanceHoldsMs;
          return decision.kind === "enter" && stale
            ? { kind: "act", effect: { kind: "accept", platform: to } }
            : decision;
        },
        otherwise: () =>
          goBack(
            state,
            state.lastFailure?.code === "candidate-not-ready" ? "candidate-not-ready" : "acceptance-failed",
            failureEvidence(state),
          ),
      });
    case "shifting":
      return decideShift(state, seen, now);
    case "baking":
      return decideBake(state, seen, now);
    case "retaining":
      return decideRetaining(state, seen, now);
    case "draining":
      return decideDrain(state, seen, now, "removing-entry");
    case "removing-entry":
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [to]: 100 } },
        attempts: attempts.routing,
        next: () => enter("detaching", state.step, "entry-removed"),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    case "detaching":
      return perform(state, now, {
        effect: { kind: "detach", platforms: [to] },
        attempts: attempts.deployment,
        next: () => enter("removing", state.step, "backend-detached"),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    case "removing":
      return perform(state, now, {
        effect: { kind: "remove", platform: from },
        attempts: attempts.deployment,
        next: () => endOrRelease(state, "completed", "platform-removed"),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    case "releasing":
      return decideRelease(state, now);
    default:
      return decideReturn(state, seen, now);
  }
}
