/** What a decision is, and the pieces that all phases' decisions are made of. Pure. */
import type { Effect } from "./effects.ts";
import type { GateState } from "./gates/stop.ts";
import { lookAtWeight, type ProbeWindow } from "./gates/weight.ts";
import type { Reason } from "./reasons.ts";
import type { EndState, Phase, SwapState } from "./state.ts";

export interface Observation {
  /** Folded from the request feed since the last change of weight. */
  readonly gates: GateState;
  /** Probes since the balancer's API accepted the last weight. */
  readonly probes: ProbeWindow;
  /** From when on these were sent. */
  readonly probesSince: number;
  /** Requests in flight on the side that is being left; undefined: not known yet; unknown: cannot be known here. */
  readonly inFlight: number | "unknown" | undefined;
  /** When the advance gate looked last. */
  readonly lookedAt: number | undefined;
  /** When the last user request was heard of; undefined: none since this process looks. */
  readonly heardAt: number | undefined;
  /** Instances of the candidate that take requests; undefined: not known yet; unknown: cannot be known here. */
  readonly ready: number | "unknown" | undefined;
  /** Age of the candidate's instance that answered last, ms; latencies of young ones say less. */
  readonly instanceAgeMs: number | undefined;
  /** The request feed cannot be read at the moment: nothing passes on what was seen before. */
  readonly blind: boolean;
  /** The calendar's time, ms since the epoch: for freeze windows only. */
  readonly wall: number;
}

export type Evidence = Readonly<Record<string, number | string | boolean>>;

export type Decision =
  | { readonly kind: "act"; readonly effect: Effect }
  | {
      readonly kind: "enter";
      readonly phase: Phase;
      readonly step: number;
      readonly reason: Reason;
      readonly evidence: Evidence;
    }
  | { readonly kind: "verified"; readonly weight: number; readonly since: number; readonly evidence: Evidence }
  /** Forget the probes and see the weight again. */
  | { readonly kind: "recheck" }
  | { readonly kind: "pause"; readonly reason: Reason; readonly evidence: Evidence }
  /** Tell people, once per step, and go on. */
  | { readonly kind: "notice"; readonly reason: Reason; readonly evidence: Evidence }
  | { readonly kind: "end"; readonly as: EndState; readonly reason: Reason; readonly evidence: Evidence }
  /** Nothing to do before the next observation. */
  | {
      readonly kind: "wait";
      readonly why: string;
      readonly probe: boolean;
      readonly drain: boolean;
      readonly looked: boolean;
      /** Send synthetic requests meanwhile. */
      readonly topUp: boolean;
      /** Judge the metrics from outside now. */
      readonly measure: boolean;
      /** Look at what runs by the stateless rules now. */
      readonly comply: boolean;
      /** Count the candidate's instances. */
      readonly count: boolean;
    }
  /** A person has to act, and nothing needs this process meanwhile. */
  | { readonly kind: "leave"; readonly reason: Reason };

export type WaitDecision = Extract<Decision, { kind: "wait" }>;
export type PauseDecision = Extract<Decision, { kind: "pause" }>;

/** Total attempts, then the fallback (requirement "Retry and Fallback Logic"). */
export const attempts = { health: 3, routing: 2, deployment: 1, lockedStack: 20 } as const;

/**
 * Pause before the next attempt, ms: exponential from one second, at most half a minute. Weights are tried a second time
 * at once, because users wait for them.
 */
export function backoffMs(effect: Effect, failures: number): number {
  if (effect.kind === "write-weights" && failures < attempts.routing) return 0;
  return Math.min(30_000, 1_000 * 2 ** Math.max(0, failures - 1));
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
export function perform(state: SwapState, now: number, plan: Performance): Decision {
  if (state.done) return plan.next();
  // Trying again would undo a person's change.
  if (state.lastFailure?.code === "weights-moved-elsewhere" && state.failures > 0)
    return pause("weights-moved-elsewhere", failureEvidence(state));
  // Another process's operation on the stack ends by itself.
  const most =
    state.lastFailure?.code === "stack-locked" ? Math.max(plan.attempts, attempts.lockedStack) : plan.attempts;
  if (state.failures >= most) return plan.otherwise();
  if (state.failedAt !== undefined && now - state.failedAt < backoffMs(plan.effect, state.failures)) {
    return wait(`trying again: ${state.lastFailure?.message ?? "the last attempt failed"}`);
  }
  return { kind: "act", effect: plan.effect };
}

export function verification(state: SwapState, seen: Observation, share: number): Decision {
  const previous = state.phase === "shifting" && !state.promotedFull ? (state.settings.ramp[state.step - 1] ?? 0) : 0;
  const look = lookAtWeight(seen.probes, state.to, state.from, share, previous);
  const evidence = { seenPercent: Number(look.seenPercent.toFixed(2)), samples: look.samples };
  if (look.verdict === "successful") return { kind: "verified", weight: share, since: seen.probesSince, evidence };
  return {
    ...wait(`the data plane shows ${look.seenPercent.toFixed(1)} % after ${look.samples} of ${look.needed} probes`),
    probe: true,
  };
}

/** When the whole data plane has followed the present weight for good, at the latest that is expected. */
function followedBy(state: SwapState): number {
  return Math.max(state.phaseSince, (state.acceptedAt ?? state.phaseSince) + state.settings.propagationMs);
}

/**
 * A balancer may show the new weight here and the old one there, and fall back for a moment. What cannot be undone, and the
 * next step, wait until it has had its time and was seen to follow after that, by probes of its own, sent from `from` on at
 * the earliest. undefined: it was.
 */
export function settling(state: SwapState, now: number, from = 0): Decision | undefined {
  const bound = Math.max(from, (state.acceptedAt ?? 0) + state.settings.propagationMs);
  if (state.verified && (state.verifiedSince ?? 0) >= bound) return undefined;
  if (now < bound) return wait(`the balancer may still be following for ${Math.ceil((bound - now) / 1_000)} s`);
  return { kind: "recheck" };
}

/** As `verification`, but a plane that does not follow in time is for a person. Not for the way back, which is tried for ever. */
export function verificationInTime(state: SwapState, seen: Observation, share: number, now: number): Decision {
  const look = verification(state, seen, share);
  return look.kind === "wait" && now - followedBy(state) >= state.settings.stepDeadlineMs
    ? pause("step-inconclusive", { ...windowEvidence(seen), looks: look.why })
    : look;
}

/** The end, after platforms that were held are given back to their autoscalers. */
export function endOrRelease(state: SwapState, as: EndState, reason: Reason): Decision {
  return state.held.length > 0 ? enter("releasing", state.step, reason) : { kind: "end", as, reason, evidence: {} };
}

export function goBack(state: SwapState, reason: Reason, evidence: Evidence): Decision {
  return enter("returning", state.step, reason, evidence);
}

export function enter(phase: Phase, step: number, reason: Reason, evidence: Evidence = {}): Decision {
  return { kind: "enter", phase, step, reason, evidence };
}

export function pause(reason: Reason, evidence: Evidence): PauseDecision {
  return { kind: "pause", reason, evidence };
}

export function wait(why: string): Extract<Decision, { kind: "wait" }> {
  return {
    kind: "wait",
    why,
    probe: false,
    drain: false,
    looked: false,
    topUp: false,
    measure: false,
    comply: false,
    count: false,
  };
}

export function failureEvidence(state: SwapState): Evidence {
  return state.lastFailure === undefined ? {} : { code: state.lastFailure.code, message: state.lastFailure.message };
}

export function windowEvidence(seen: Observation): Evidence {
  return {
    candidateRequests: seen.gates.candidate.requests,
    candidateErrors: seen.gates.candidate.errors,
    oldRequests: seen.gates.old.requests,
    oldErrors: seen.gates.old.errors,
    ...(seen.gates.lost > 0 ? { lostRecords: seen.gates.lost } : {}),
  };
}

export function ageEvidence(seen: Observation): Evidence {
  return seen.instanceAgeMs === undefined ? {} : { candidateInstanceAgeMs: Math.round(seen.instanceAgeMs) };
}

/** 100 - 0.1 must be 99.9, not 99.90000000000001. */
export function percent(value: number): number {
  return Number(value.toFixed(1));
}
