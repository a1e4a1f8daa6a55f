/** The fold of a swap's journal, line by line, into its state; nothing else is kept. Pure. */
import type { Effect } from "./effects.ts";
import type { Phase, SwapEvent } from "./events.ts";
import { foldVerdict, noVerdicts } from "./gates/limits.ts";
import type { Reason } from "./reasons.ts";
import { canReturn, leavingReasons, type MetricState, nextShare, type SwapState, sameWeights } from "./state.ts";

const noMetrics: MetricState = { tally: noVerdicts, measuredAt: undefined, last: undefined };

/** Phases that count time or lean on what was seen of the data plane. */
const watchful: readonly Phase[] = ["shifting", "baking", "draining", "draining-candidate"];

export function startState(event: Extract<SwapEvent, { kind: "started" }>): SwapState {
  const phase = event.mode === "failover" ? "adding-entry" : "deploying";
  return {
    id: event.id,
    mode: event.mode,
    environment: event.environment,
    from: event.from,
    to: event.to,
    image: event.image,
    settings: event.settings,
    startedAt: event.at,
    phase,
    step: -1,
    phaseSince: event.at,
    phaseReason: "start-requested",
    accepted: undefined,
    acceptedAt: undefined,
    touched: false,
    verified: false,
    verifiedSince: undefined,
    pending: undefined,
    failures: 0,
    failedAt: undefined,
    lastFailure: undefined,
    done: false,
    paused: undefined,
    promoted: false,
    promotedFull: false,
    held: [],
    approved: [],
    bakeExtensionMs: 0,
    windowExtensionMs: 0,
    decommission: false,
    metrics: noMetrics,
    compliance: undefined,
    noticed: [],
    observed: undefined,
    aliveAt: event.at,
    doneAt: undefined,
    unsettled: undefined,
    strayWrite: false,
    stepBegan: false,
    deadMs: undefined,
    rollback: undefined,
    wish: undefined,
    requestsSeen: 0,
    end: undefined,
    marks: [{ phase, step: -1, at: event.at }],
  };
}

/** Pure: the state after one more line of the journal. */
export function applyEvent(state: SwapState, event: SwapEvent): SwapState {
  const next = applied(state, event);
  // A wish may be written by a process that does not drive.
  return event.kind === "requested" ? next : { ...next, aliveAt: event.at };
}

function applied(state: SwapState, event: SwapEvent): SwapState {
  switch (event.kind) {
    case "started":
      return state;
    case "engine":
      return takeOver(state, event.at);
    case "alive":
      return state;
    case "observed":
      return { ...state, observed: { cursor: event.cursor, gates: event.gates }, stepBegan: false };
    case "measured":
      return {
        ...state,
        metrics: {
          tally: foldVerdict(state.metrics.tally, event.verdict),
          measuredAt: event.at,
          last: event.verdict,
        },
      };
    case "complied":
      return { ...state, compliance: { verdict: event.verdict, at: event.at, evidence: event.evidence } };
    case "noticed":
      return { ...state, noticed: [...state.noticed, event.reason] };
    case "entered":
      return enter(state, event);
    case "intent":
      return {
        ...state,
        pending: { effect: event.effect, since: event.at },
        ...(event.effect.kind === "write-weights"
          ? {
              unsettled: event.effect.weights,
              strayWrite:
                state.strayWrite ||
                (state.unsettled !== undefined && !sameWeights(state.unsettled, event.effect.weights)),
            }
          : {}),
        touched: state.touched || event.effect.kind === "write-weights",
        // Until its outcome says otherwise.
        held: heldAfter(state.held, event.effect, false),
      };
    case "outcome":
      return outcome(state, event);
    case "recheck":
      return { ...state, verified: false, verifiedSince: undefined };
    case "verified":
      return {
        ...state,
        verified: true,
        verifiedSince: event.since,
        rollback:
          state.rollback !== undefined && state.phase === "returning"
            ? { ...state.rollback, verifiedAt: event.at }
            : state.rollback,
      };
    case "requested":
      return request(state, event);
    case "paused":
      return { ...state, paused: { reason: event.reason, at: event.at } };
    case "ended":
      return {
        ...state,
        phase: "ended",
        phaseSince: event.at,
        phaseReason: event.reason,
        pending: undefined,
        end: { as: event.as, reason: event.reason, at: event.at },
        marks: [...state.marks, { phase: "ended", step: state.step, at: event.at }],
      };
  }
}

/**
 * What an earlier process saw of the data plane is not taken over, and the time in which nobody looked does not count. Times
 * in the future are of a machine whose clock was set back.
 */
function takeOver(state: SwapState, at: number): SwapState {
  const gapMs = Math.max(0, at - state.aliveAt);
  const left = state.paused !== undefined && leavingReasons.includes(state.paused.reason);
  const { policy, afterMs } = state.settings.deadMan;
  const sooner = (time: number | undefined): number | undefined =>
    time === undefined ? undefined : Math.min(time, at);
  return {
    ...state,
    verified: false,
    verifiedSince: undefined,
    phaseSince: Math.min(at, state.phaseSince + (watchful.includes(state.phase) ? gapMs : 0)),
    acceptedAt: sooner(state.acceptedAt),
    failedAt: sooner(state.failedAt),
    doneAt: sooner(state.doneAt),
    metrics: { ...state.metrics, measuredAt: sooner(state.metrics.measuredAt) },
    // Of a failover the side to revert to is the one that failed.
    deadMs:
      policy === "revert" && state.mode === "swap" && gapMs >= afterMs && !left && state.rollback === undefined
        ? gapMs
        : undefined,
  };
}

function enter(state: SwapState, event: Extract<SwapEvent, { kind: "entered" }>): SwapState {
  const startsReturn = event.phase === "returning";
  return {
    ...state,
    phase: event.phase,
    step: event.step,
    phaseSince: event.at,
    phaseReason: event.reason,
    // An effect that was begun belongs to the phase that is left; going back reads the world first.
    pending: undefined,
    failures: 0,
    failedAt: undefined,
    lastFailure: undefined,
    done: false,
    doneAt: undefined,
    promoted: state.promotedFull && event.phase === "shifting",
    metrics: noMetrics,
    noticed: [],
    deadMs: undefined,
    // Traffic going back does not wait for anybody.
    paused: startsReturn ? undefined : state.paused,
    wish: undefined,
    rollback: startsReturn ? { reason: event.reason, evidence: event.evidence, decidedAt: event.at } : state.rollback,
    marks: [...state.marks, { phase: event.phase, step: event.step, at: event.at }],
  };
}

function outcome(state: SwapState, event: Extract<SwapEvent, { kind: "outcome" }>): SwapState {
  const settled = { ...state, pending: undefined };
  // An acceptance that is run again may fail where an earlier one passed.
  if (!event.ok)
    return {
      ...settled,
      done: false,
      failures: state.failures + 1,
      failedAt: event.at,
      lastFailure: event.failure,
    };
  if (state.pending?.effect.kind !== "write-weights") {
    const held =
      state.pending === undefined
        ? state.held
        : heldAfter(state.held, state.pending.effect, true, event.facts["least"]);
    return { ...settled, done: true, doneAt: event.at, held };
  }
  return {
    ...settled,
    done: true,
    doneAt: event.at,
    unsettled: undefined,
    strayWrite: false,
    stepBegan: true,
    accepted: state.pending.effect.weights,
    acceptedAt: event.at,
    verified: false,
    verifiedSince: undefined,
    rollback:
      state.rollback !== undefined && state.phase === "returning"
        ? { ...state.rollback, acceptedAt: event.at }
        : state.rollback,
  };
}

/** `least`: what the platform keeps by itself, where it is known; with no more than that it is not held. */
function heldAfter(
  held: readonly string[],
  effect: Effect,
  over: boolean,
  least?: number | string | boolean,
): readonly string[] {
  const without = (names: readonly string[]): readonly string[] => held.filter((name) => !names.includes(name));
  switch (effect.kind) {
    case "deploy":
    case "hold": {
      if (effect.instances === undefined) return held;
      const needless = over && typeof least === "number" && effect.instances <= least;
      return needless ? without([effect.platform]) : [...without([effect.platform]), effect.platform];
    }
    case "release":
      return over ? without(effect.platforms) : held;
    case "remove":
      return over ? without([effect.platform]) : held;
    default:
      return held;
  }
}

function request(state: SwapState, event: Extract<SwapEvent, { kind: "requested" }>): SwapState {
  const seen = { ...state, requestsSeen: Math.max(state.requestsSeen, event.number) };
  switch (event.verb) {
    case "pause":
      return { ...seen, paused: { reason: "requested-pause", at: event.at } };
    case "resume":
      // The step's deadline starts again, or a step that paused as inconclusive would pause at once.
      return state.paused === undefined
        ? seen
        : {
            ...seen,
            paused: undefined,
            phaseSince: resumedSince(state, state.paused, event.at),
            metrics: noMetrics,
            // What was found is looked for again.
            compliance: undefined,
            failures: 0,
            failedAt: undefined,
            lastFailure: undefined,
            // The weight is asked for again, which finds out whether it is as this swap left it.
            done: state.paused.reason === "weights-moved-elsewhere" ? false : state.done,
          };
    case "promote": {
      // At a step that waits for a person, promoting is letting it begin; its gates are not passed by that.
      const wanted = state.paused?.reason === "approval-needed" ? nextShare(state) : undefined;
      if (wanted !== undefined)
        return { ...seen, paused: undefined, phaseSince: event.at, approved: [...state.approved, wanted] };
      return {
        ...seen,
        paused: undefined,
        // A step that was not seen to follow in time gets its time again.
        phaseSince: state.verified || state.phase !== "shifting" ? state.phaseSince : event.at,
        promoted: state.phase === "shifting" || state.phase === "baking",
      };
    }
    case "promote-full":
      return {
        ...seen,
        paused: undefined,
        promotedFull: true,
        approved: state.settings.ramp,
        promoted: state.phase === "shifting",
      };
    case "extend-bake":
      return state.phase === "retaining"
        ? { ...seen, windowExtensionMs: state.windowExtensionMs + (event.amountMs ?? 0) }
        : { ...seen, bakeExtensionMs: state.bakeExtensionMs + (event.amountMs ?? 0) };
    case "decommission":
      return { ...seen, decommission: state.phase === "retaining" };
    case "abort":
    case "rollback":
      return canReturn(state) ? { ...seen, wish: event.verb } : seen;
  }
}

/**
 * From when the phase counts after a pause. A step, or whatever paused because its time was over, begins anew; a bake goes on
 * where it was, without the pause; the rollback window runs on.
 */
function resumedSince(state: SwapState, paused: { readonly reason: Reason; readonly at: number }, at: number): number {
  if (state.phase === "retaining") return state.phaseSince;
  const timeIsOver = ["step-inconclusive", "silence", "metric-inconclusive", "metric-unreadable"];
  if (state.phase !== "baking" || timeIsOver.includes(paused.reason)) return at;
  return Math.min(at, state.phaseSince + Math.max(0, at - paused.at));
}

/** The state of a whole journal; undefined when it has no start. */
export function foldEvents(events: readonly SwapEvent[]): SwapState | undefined {
  const [first, ...rest] = events;
  return first?.kind === "started" ? rest.reduce(applyEvent, startState(first)) : undefined;
}
