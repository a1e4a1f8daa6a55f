/** The decisions on the way back, and the drain that both ways share. Pure. */
import {
  attempts,
  type Decision,
  endOrRelease,
  enter,
  failureEvidence,
  type Observation,
  pause,
  perform,
  settling,
  verification,
  verificationInTime,
  wait,
} from "./decision.ts";
import type { Reason } from "./reasons.ts";
import type { EndState, Phase, SwapState } from "./state.ts";

export function decideDrain(state: SwapState, seen: Observation, now: number, next: Phase): Decision {
  // A side that another process saw out of traffic has to be seen out of it by this one.
  if (!state.verified) return verificationInTime(state, seen, state.rollback === undefined ? 100 : 0, now);
  // What is taken away now is gone: the data plane has to be seen without it once more, and late enough.
  const unsettled = settling(state, now, state.phaseSince);
  if (unsettled !== undefined) return unsettled.kind === "wait" ? { ...unsettled, drain: true } : unsettled;
  if (seen.inFlight === 0) return enter(next, state.step, "side-drained");
  if (seen.inFlight === undefined) return { ...wait("draining"), drain: true };
  const waitedMs = now - state.phaseSince;
  // Where nobody can say what is in flight, the longest request decides.
  if (waitedMs >= state.settings.drainTimeoutMs)
    return enter(next, state.step, "drain-timed-out", { inFlight: seen.inFlight, waitedMs });
  return { ...wait(`draining, ${seen.inFlight} in flight`), drain: true };
}

/** Traffic first, and seen on the data plane; then, unless the candidate is kept, everything of it. */
export function decideReturn(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to } = state;
  const keep = state.rollback?.reason === "requested-abort" || state.settings.afterRollback === "keep";
  const { as, reason } = endOf(state);
  const over = (): Decision => endOrRelease(state, as, reason);
  switch (state.phase) {
    case "returning": {
      const returned = (): Decision => (keep ? over() : enter("draining-candidate", state.step, "traffic-returned"));
      // No weight was ever written. An earlier swap may have left an entry of weight 0, which is withdrawn first.
      if (!state.touched) return keep ? over() : enter("withdrawing-entry", state.step, "traffic-returned");
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [from]: 100, [to]: 0 } },
        // Going back is tried for as long as it takes: there is nothing safer to fall back to.
        attempts: Number.POSITIVE_INFINITY,
        otherwise: () => wait("the balancer does not take the weight"),
        next: () => (state.verified ? returned() : verification(state, seen, 0)),
      });
    }
    case "draining-candidate":
      return decideDrain(state, seen, now, "withdrawing-entry");
    case "withdrawing-entry":
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [from]: 100 } },
        attempts: attempts.routing,
        next: () => enter("detaching-candidate", state.step, "entry-removed"),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    case "detaching-candidate":
      return perform(state, now, {
        effect: { kind: "detach", platforms: [from] },
        attempts: attempts.deployment,
        next: () => enter("removing-candidate", state.step, "backend-detached"),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    default:
      return perform(state, now, {
        effect: { kind: "remove", platform: to },
        attempts: attempts.deployment,
        next: over,
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
  }
}

/** Platforms that the swap held are given back to their autoscalers; then it ends, whichever way it went. */
export function decideRelease(state: SwapState, now: number): Decision {
  return perform(state, now, {
    effect: { kind: "release", platforms: [...state.held] },
    attempts: attempts.deployment,
    next: () => ({ kind: "end", ...endOf(state), evidence: {} }),
    otherwise: () => pause("cleanup-failed", failureEvidence(state)),
  });
}

function endOf({ rollback }: SwapState): { readonly as: EndState; readonly reason: Reason } {
  if (rollback === undefined) return { as: "completed", reason: "platform-removed" };
  return { as: rollback.reason === "requested-abort" ? "aborted" : "rolled-back", reason: rollback.reason };
}
