/**
 * What a swap does next: a pure function of its state, what was observed, and the time. It never waits, reads or writes.
 * Order of effects: weight only to a side that passed its acceptance suite; traffic moves before anything is removed; 100 %
 * that is not seen on the data plane blocks removal (shared research, hot swap 2.2).
 */
import type { Effect } from "./effects.ts";
import { lookAtStep } from "./gates/advance.ts";
import { type GateState, stopNow } from "./gates/stop.ts";
import { lookAtWeight, type ProbeWindow } from "./gates/weight.ts";
import type { Reason } from "./reasons.ts";
import { gateProfiles } from "./settings.ts";
import { canReturn, type EndState, type Phase, type SwapState } from "./state.ts";

export interface Observation {
  /** Folded from the request feed since the last change of weight. */
  readonly gates: GateState;
  /** Probes since the balancer's API accepted the last weight. */
  readonly probes: ProbeWindow;
  /** Requests in flight on the side that is being left; undefined: not known yet; unknown: cannot be known here. */
  readonly inFlight: number | "unknown" | undefined;
  /** When the advance gate looked last. */
  readonly lookedAt: number | undefined;
}

type Evidence = Readonly<Record<string, number | string | boolean>>;

export type Decision =
  | { readonly kind: "act"; readonly effect: Effect }
  | {
      readonly kind: "enter";
      readonly phase: Phase;
      readonly step: number;
      readonly reason: Reason;
      readonly evidence: Evidence;
    }
  | { readonly kind: "verified"; readonly weight: number; readonly evidence: Evidence }
  | { readonly kind: "pause"; readonly reason: Reason; readonly evidence: Evidence }
  | { readonly kind: "end"; readonly as: EndState; readonly reason: Reason; readonly evidence: Evidence }
  /** Nothing to do before the next observation. */
  | {
      readonly kind: "wait";
      readonly why: string;
      readonly probe: boolean;
      readonly drain: boolean;
      readonly looked: boolean;
    }
  /** A person has to act, and nothing needs this process meanwhile. */
  | { readonly kind: "leave"; readonly reason: Reason };

/** Total attempts, then the fallback (requirement "Retry and Fallback Logic"). */
export const attempts = { health: 3, routing: 2, deployment: 1 } as const;

/**
 * Pause before the next attempt, ms: exponential from one second, at most half a minute. Weights are tried a second time
 * at once, because users wait for them.
 */
export function backoffMs(effect: Effect, failures: number): number {
  if (effect.kind === "write-weights" && failures < attempts.routing) return 0;
  return Math.min(30_000, 1_000 * 2 ** Math.max(0, failures - 1));
}

export function decide(state: SwapState, seen: Observation, now: number): Decision {
  if (state.end !== undefined) return { kind: "leave", reason: state.end.reason };
  // A wish comes before an effect that a dead process left open: nobody wants a step up first.
  if (canReturn(state) && state.wish !== undefined)
    return goBack(state, state.wish === "abort" ? "requested-abort" : "requested-rollback", {});
  // An effect without an outcome: the process died in the middle. Carrying it out again reads the world first.
  if (state.pending !== undefined) return { kind: "act", effect: state.pending.effect };
  if (canReturn(state)) {
    if ((state.accepted?.[state.to] ?? 0) > 0) {
      const stop = stopNow(seen.gates, state.settings);
      if (stop !== undefined) return goBack(state, stop.reason, stop.evidence);
    }
  }
  if (state.paused !== undefined && state.phase !== "returning") {
    const reason = state.paused.reason;
    return reason === "deployment-failed" || reason === "cleanup-failed" || reason === "attach-failed"
      ? { kind: "leave", reason }
      : wait(`paused: ${reason}`);
  }
  return decidePhase(state, seen, now);
}

function decidePhase(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to } = state;
  switch (state.phase) {
    case "deploying":
      return perform(state, now, {
        effect: { kind: "deploy", platform: to, image: state.image },
        attempts: attempts.deployment,
        next: () => enter("attaching", state.step, "platform-deployed"),
        otherwise: () => pause("deployment-failed", failureEvidence(state)),
      });
    case "attaching":
      return perform(state, now, {
        effect: { kind: "attach", platforms: [from, to] },
        attempts: attempts.deployment,
        next: () => enter("adding-entry", state.step, "backend-attached"),
        otherwise: () => pause("attach-failed", failureEvidence(state)),
      });
    case "adding-entry":
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [from]: 100, [to]: 0 } },
        attempts: attempts.routing,
        next: () => enter("accepting", state.step, "entry-added"),
        otherwise: () => goBack(state, "routing-failed", failureEvidence(state)),
      });
    case "accepting":
      return perform(state, now, {
        effect: { kind: "accept", platform: to },
        attempts: attempts.health,
        next: () => enter("shifting", 0, "acceptance-passed"),
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
        next: () => ({ kind: "end", as: "completed", reason: "platform-removed", evidence: {} }),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
    default:
      return decideReturn(state, seen, now);
  }
}

/** One step of the ramp: write, see it followed, gather evidence, go on. */
function decideShift(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to, settings } = state;
  const share = settings.ramp[state.step] ?? 100;
  const effect: Effect = { kind: "write-weights", weights: { [from]: percent(100 - share), [to]: share } };
  return perform(state, now, {
    effect,
    attempts: attempts.routing,
    otherwise: () => goBack(state, "routing-failed", failureEvidence(state)),
    next: () => {
      const profile = gateProfiles[settings.profile];
      const since = Math.max(state.phaseSince, state.acceptedAt ?? state.phaseSince);
      if (!state.verified) {
        const look = verification(state, seen, share);
        const late = look.kind === "wait" && now - since >= profile.stepDeadlineMs;
        return late ? pause("step-inconclusive", { ...windowEvidence(seen), looks: look.why }) : look;
      }
      const last = state.step >= settings.ramp.length - 1;
      const go = (reason: Reason, evidence: Evidence): Decision =>
        last ? enter("baking", state.step, reason, evidence) : enter("shifting", state.step + 1, reason, evidence);
      if (state.promoted) return go("step-promoted", {});
      const floorMs = Math.max(profile.holdMs, settings.trafficShiftDurationMs / settings.ramp.length);
      const lookDue = seen.lookedAt === undefined || now - seen.lookedAt >= settings.monitoringIntervalMs;
      if (now - since >= floorMs && lookDue) {
        const look = lookAtStep(seen.gates, settings);
        if (look.verdict === "successful")
          return go("step-successful", {
            ...windowEvidence(seen),
            looks: look.looks.map((one) => one.text).join("; "),
          });
        if (now - since >= profile.stepDeadlineMs)
          return pause("step-inconclusive", {
            ...windowEvidence(seen),
            looks: look.looks
              .filter((one) => one.verdict !== "successful")
              .map((one) => one.text)
              .join("; "),
          });
        return {
          ...wait(look.looks.find((one) => one.verdict !== "successful")?.text ?? "gathering evidence"),
          looked: true,
        };
      }
      return wait("holding");
    },
  });
}

function decideBake(state: SwapState, seen: Observation, now: number): Decision {
  const profile = gateProfiles[state.settings.profile];
  if (!state.verified) return verification(state, seen, 100);
  if (state.promoted) return enter("draining", state.step, "bake-promoted");
  const bakedMs = now - state.phaseSince;
  if (bakedMs < profile.bakeMs) return wait("baking");
  const look = lookAtStep(seen.gates, state.settings);
  if (look.verdict === "successful") return enter("draining", state.step, "bake-passed", windowEvidence(seen));
  const missing = look.looks.filter((one) => one.verdict !== "successful").map((one) => one.text);
  if (bakedMs >= profile.bakeMs + profile.stepDeadlineMs)
    return pause("step-inconclusive", { ...windowEvidence(seen), looks: missing.join("; ") });
  return wait(missing[0] ?? "baking");
}

function decideDrain(state: SwapState, seen: Observation, now: number, next: Phase): Decision {
  // A side that another process saw out of traffic has to be seen out of it by this one.
  if (!state.verified) return verification(state, seen, state.rollback === undefined ? 100 : 0);
  if (seen.inFlight === 0) return enter(next, state.step, "side-drained");
  if (seen.inFlight === undefined) return { ...wait("draining"), drain: true };
  const waitedMs = now - state.phaseSince;
  // Where nobody can say what is in flight, the longest request decides.
  if (waitedMs >= state.settings.drainTimeoutMs)
    return enter(next, state.step, "drain-timed-out", { inFlight: seen.inFlight, waitedMs });
  return { ...wait(`draining, ${seen.inFlight} in flight`), drain: true };
}

/** Traffic first, and seen on the data plane; then, unless the candidate is kept, everything of it. */
function decideReturn(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to } = state;
  const keep = state.rollback?.reason === "requested-abort" || state.settings.afterRollback === "keep";
  const endAs: EndState = state.rollback?.reason === "requested-abort" ? "aborted" : "rolled-back";
  switch (state.phase) {
    case "returning": {
      const returned = (evidence: Evidence): Decision =>
        keep
          ? { kind: "end", as: endAs, reason: state.rollback?.reason ?? "traffic-returned", evidence }
          : enter("draining-candidate", state.step, "traffic-returned", evidence);
      // No weight was ever written. An earlier swap may have left an entry of weight 0, which is withdrawn first.
      if (!state.touched)
        return keep
          ? { kind: "end", as: endAs, reason: state.rollback?.reason ?? "traffic-returned", evidence: {} }
          : enter("withdrawing-entry", state.step, "traffic-returned");
      return perform(state, now, {
        effect: { kind: "write-weights", weights: { [from]: 100, [to]: 0 } },
        // Going back is tried for as long as it takes: there is nothing safer to fall back to.
        attempts: Number.POSITIVE_INFINITY,
        otherwise: () => wait("the balancer does not take the weight"),
        next: () => (state.verified ? returned({}) : verification(state, seen, 0)),
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
        next: () => ({ kind: "end", as: endAs, reason: state.rollback?.reason ?? "traffic-returned", evidence: {} }),
        otherwise: () => pause("cleanup-failed", failureEvidence(state)),
      });
  }
}

interface Performance {
  readonly effect: Effect;
  readonly attempts: number;
  /** After success. */
  next(): Decision;
  /** After the last attempt. */
  otherwise(): Decision;
}

/** The phase's one effect: try, back off, try again, give up; then what follows it. */
function perform(state: SwapState, now: number, plan: Performance): Decision {
  if (state.done) return plan.next();
  // Trying again would undo a person's change.
  if (state.lastFailure?.code === "weights-moved-elsewhere" && state.failures > 0)
    return pause("weights-moved-elsewhere", failureEvidence(state));
  if (state.failures >= plan.attempts) return plan.otherwise();
  if (state.failedAt !== undefined && now - state.failedAt < backoffMs(plan.effect, state.failures)) {
    return wait(`trying again: ${state.lastFailure?.message ?? "the last attempt failed"}`);
  }
  return { kind: "act", effect: plan.effect };
}

function verification(state: SwapState, seen: Observation, share: number): Decision {
  const previous = state.phase === "shifting" ? (state.settings.ramp[state.step - 1] ?? 0) : 0;
  const look = lookAtWeight(seen.probes, state.to, state.from, share, previous);
  const evidence = { seenPercent: Number(look.seenPercent.toFixed(2)), samples: look.samples };
  if (look.verdict === "successful") return { kind: "verified", weight: share, evidence };
  return {
    ...wait(`the data plane shows ${look.seenPercent.toFixed(1)} % after ${look.samples} of ${look.needed} probes`),
    probe: true,
  };
}

function goBack(state: SwapState, reason: Reason, evidence: Evidence): Decision {
  return enter("returning", state.step, reason, evidence);
}

function enter(phase: Phase, step: number, reason: Reason, evidence: Evidence = {}): Decision {
  return { kind: "enter", phase, step, reason, evidence };
}

function pause(reason: Reason, evidence: Evidence): Decision {
  return { kind: "pause", reason, evidence };
}

function wait(why: string): Extract<Decision, { kind: "wait" }> {
  return { kind: "wait", why, probe: false, drain: false, looked: false };
}

function failureEvidence(state: SwapState): Evidence {
  return state.lastFailure === undefined ? {} : { code: state.lastFailure.code, message: state.lastFailure.message };
}

function windowEvidence(seen: Observation): Evidence {
  return {
    candidateRequests: seen.gates.candidate.requests,
    candidateErrors: seen.gates.candidate.errors,
    oldRequests: seen.gates.old.requests,
    oldErrors: seen.gates.old.errors,
  };
}

/** 100 - 0.1 must be 99.9, not 99.90000000000001. */
function percent(value: number): number {
  return Number(value.toFixed(1));
}
