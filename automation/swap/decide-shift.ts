/** The decisions while users' requests are on the candidate: the ramp, the bake, the rollback window. Pure. */
import { instancesFor } from "./capacity.ts";
import { complianceDue, complianceMissing, complianceUnclear, complianceViolation } from "./compliance.ts";
import {
  ageEvidence,
  attempts,
  type Decision,
  type Evidence,
  enter,
  failureEvidence,
  goBack,
  type Observation,
  type PauseDecision,
  pause,
  percent,
  perform,
  settling,
  verificationInTime,
  type WaitDecision,
  wait,
  windowEvidence,
} from "./decision.ts";
import type { Effect } from "./effects.ts";
import { frozenAt } from "./freeze.ts";
import { lookAtStep } from "./gates/advance.ts";
import { outcomeOf } from "./gates/limits.ts";
import { nextMeasurementAt } from "./metric-gate.ts";
import { metricEvidence, metricLimits } from "./metric-state.ts";
import type { Reason } from "./reasons.ts";
import { nextShare, nextStep, type SwapState, weightsSince } from "./state.ts";

/** A step begins unless a freeze or a person's approval is in the way; going back never asks. */
export function beginStep(
  state: SwapState,
  seen: Observation,
  now: number,
  step: number,
  reason: Reason,
  evidence: Evidence,
): Decision {
  const share = state.settings.ramp[step] ?? 100;
  if (state.mode === "failover") return enter("shifting", step, reason, evidence);
  const freeze = frozenAt(state.settings.freeze, seen.wall);
  if (freeze !== undefined) return wait(`frozen by ${freeze.name} until ${new Date(freeze.until).toISOString()}`);
  if (state.settings.approvals.includes(share) && !state.approved.includes(share))
    return pause("approval-needed", { ...evidence, share });
  return missingCapacity(state, seen, share, now) ?? enter("shifting", step, reason, evidence);
}

/** A share that the candidate's instances cannot carry is not given to it. What cannot be counted anywhere keeps nothing. */
function missingCapacity(state: SwapState, seen: Observation, share: number, now: number): Decision | undefined {
  const { capacity, stepDeadlineMs } = state.settings;
  if (capacity === undefined || seen.ready === "unknown") return undefined;
  const needed = instancesFor(capacity, share);
  if (seen.ready !== undefined && seen.ready >= needed) return undefined;
  const ready = seen.ready ?? 0;
  if (seen.ready !== undefined && now - Math.max(state.phaseSince, state.doneAt ?? 0) >= stepDeadlineMs)
    return pause("capacity-missing", { ready, needed, share });
  return { ...wait(`${ready} of the ${needed} instances that ${share} % need are ready`), count: true };
}

/** One step of the ramp: write, see it followed, gather evidence, go on. */
export function decideShift(state: SwapState, seen: Observation, now: number): Decision {
  const { from, to, settings } = state;
  const share = settings.ramp[state.step] ?? 100;
  const effect: Effect = { kind: "write-weights", weights: { [from]: percent(100 - share), [to]: share } };
  return perform(state, now, {
    effect,
    // From a failing side there is nothing to go back to.
    attempts: state.mode === "failover" ? Number.POSITIVE_INFINITY : attempts.routing,
    otherwise: () => goBack(state, "routing-failed", failureEvidence(state)),
    next: () => {
      const since = weightsSince(state);
      if (!state.verified) return verificationInTime(state, seen, share, now);
      const last = nextShare(state) === undefined;
      if (state.mode === "failover")
        return last
          ? { kind: "end", as: "completed", reason: "failed-over", evidence: {} }
          : enter("shifting", state.step + 1, "step-successful");
      const go = (reason: Reason, evidence: Evidence): Decision =>
        last
          ? enter("baking", state.step, reason, evidence)
          : beginStep(state, seen, now, nextStep(state), reason, { ...evidence, ...ageEvidence(seen) });
      const unsettled = settling(state, now);
      // Beside the hold, so that it costs no time of its own.
      if (unsettled?.kind === "recheck") return unsettled;
      if (state.promoted) return unsettled ?? go(state.promotedFull ? "ramp-promoted" : "step-promoted", {});
      const quiet = decideSilence(state, seen, now, since);
      if (quiet !== undefined) return quiet;
      const lookDue = seen.lookedAt === undefined || now - seen.lookedAt >= settings.monitoringIntervalMs;
      if (now - since < settings.holdMs || !lookDue) return watching(state, now, "holding");
      const look = lookAll(state, seen, share, now);
      if (look.missing.length === 0)
        return unsettled ?? go("step-successful", { ...windowEvidence(seen), looks: look.text });
      if (now - since >= settings.stepDeadlineMs)
        return pause("step-inconclusive", { ...windowEvidence(seen), looks: look.missing.join("; ") });
      return alsoIn(watching(state, now, look.missing[0] ?? "gathering evidence"), { looked: true });
    },
  });
}

/** The advance gate and the metrics from outside, in words; what is missing is what keeps the step. */
function lookAll(
  state: SwapState,
  seen: Observation,
  share: number,
  now: number,
): { text: string; missing: readonly string[] } {
  const { looks } = lookAtStep(seen.gates, state.settings, share, now);
  const missing = [
    ...(seen.blind ? ["the request feed cannot be read"] : []),
    ...looks.filter((one) => one.verdict !== "successful").map((one) => one.text),
  ];
  const texts = looks.map((one) => one.text);
  if (state.settings.metrics.checks.length === 0) return { text: texts.join("; "), missing };
  if (!comparable(state))
    return {
      text: [...texts, "metrics from outside: the old side has no traffic to compare with"].join("; "),
      missing,
    };
  const since = weightsSince(state);
  // A verdict of before says nothing of now.
  const last = (state.metrics.measuredAt ?? 0) >= since ? state.metrics.last : undefined;
  const text = last === undefined ? "metrics from outside were not judged yet" : `metrics from outside: ${last}`;
  return { text: [...texts, text].join("; "), missing: last === "successful" ? missing : [...missing, text] };
}

function alsoIn(decision: WaitDecision | PauseDecision, more: Partial<WaitDecision>): Decision {
  return decision.kind === "wait" ? { ...decision, ...more } : decision;
}

/** Silence is inconclusive: nobody is to mistake it for health. */
function decideSilence(state: SwapState, seen: Observation, now: number, since: number): Decision | undefined {
  const { silenceMs, onSilence } = state.settings.gates;
  const silentMs = now - Math.max(since, seen.heardAt ?? since);
  // Beyond the patience the synthetic requests do not arrive either.
  if (onSilence === "top-up" && silentMs < silenceMs) {
    // A tenth of the patience: the requests are to come before the silence counts.
    if (silentMs < silenceMs / 10) return undefined;
    return alsoIn(watching(state, now, "no requests; topping up"), { topUp: true });
  }
  if (silentMs < silenceMs) return undefined;
  const evidence = { ...windowEvidence(seen), silentMs };
  if (onSilence !== "notify") return pause("silence", evidence);
  return state.noticed.includes("silence") ? undefined : { kind: "notice", reason: "silence", evidence };
}

/** Waiting while users' requests are on the candidate: metrics from outside are judged when they are due. */
function watching(state: SwapState, now: number, why: string): WaitDecision | PauseDecision {
  const outcome = outcomeOf(state.metrics.tally, metricLimits(state));
  if (outcome === "error") return pause("metric-unreadable", metricEvidence(state));
  if (outcome === "inconclusive") return pause("metric-inconclusive", metricEvidence(state));
  const since = weightsSince(state);
  const { measuredAt, last } = state.metrics;
  if (!comparable(state)) return wait(why);
  const due = nextMeasurementAt(state.settings.metrics, { since, measuredAt, lastVerdict: last });
  return { ...wait(why), measure: due !== undefined && now >= due };
}

/** Series are compared side by side: a side without traffic has none. */
function comparable(state: SwapState): boolean {
  return (state.accepted?.[state.from] ?? 0) > 0 && (state.accepted?.[state.to] ?? 0) > 0;
}

export function decideBake(state: SwapState, seen: Observation, now: number): Decision {
  const { settings } = state;
  if (!state.verified) return verificationInTime(state, seen, 100, now);
  const over = (reason: Reason, evidence: Evidence): Decision => {
    const next = settings.rollbackWindowMs + state.windowExtensionMs > 0 ? "retaining" : "draining";
    return next === "retaining"
      ? enter(next, state.step, reason, evidence)
      : leaveOldSide(state, seen, reason, evidence);
  };
  if (state.promoted) return over("bake-promoted", {});
  const bakeMs = settings.bakeMs + state.bakeExtensionMs;
  const bakedMs = now - state.phaseSince;
  const complying = decideCompliance(state);
  if (complying !== undefined) return complying;
  if (bakedMs < bakeMs) return alsoIn(watching(state, now, "baking"), { comply: complianceDue(state, now) });
  const look = lookAll(state, seen, 100, now);
  const unchecked = complianceMissing(state);
  const missing = [...look.missing, ...(unchecked === undefined ? [] : [unchecked])];
  if (missing.length === 0) return over("bake-passed", { ...windowEvidence(seen), looks: look.text });
  if (bakedMs >= bakeMs + settings.stepDeadlineMs)
    return pause("step-inconclusive", { ...windowEvidence(seen), looks: missing.join("; ") });
  return alsoIn(watching(state, now, missing[0] ?? "baking"), { comply: complianceDue(state, now) });
}

/** A candidate that has become stateful is for a person: going back by itself could lose what it holds. */
function decideCompliance(state: SwapState): Decision | undefined {
  const violation = complianceViolation(state);
  if (violation !== undefined) return pause("stateless-violation", violation);
  const unclear = complianceUnclear(state);
  return unclear === undefined || state.noticed.includes("compliance-unreadable")
    ? undefined
    : { kind: "notice", reason: "compliance-unreadable", evidence: unclear };
}

/** The rollback window: the old side stays up without traffic, so that going back needs no start. */
export function decideRetaining(state: SwapState, seen: Observation, now: number): Decision {
  if (!state.verified) return verificationInTime(state, seen, 100, now);
  if (state.decommission) return enter("draining", state.step, "decommission-requested");
  const leftMs = state.settings.rollbackWindowMs + state.windowExtensionMs - (now - state.phaseSince);
  const complying = decideCompliance(state);
  if (complying !== undefined) return complying;
  if (leftMs > 0) {
    const watch = watching(state, now, `rollback window, ${Math.ceil(leftMs / 1_000)} s left`);
    return alsoIn(watch, { comply: complianceDue(state, now) });
  }
  return leaveOldSide(state, seen, "rollback-window-over", {});
}

/** In a freeze the old side stays: it is what a rollback would need. */
function leaveOldSide(state: SwapState, seen: Observation, reason: Reason, evidence: Evidence): Decision {
  const freeze = frozenAt(state.settings.freeze, seen.wall);
  return freeze === undefined || state.promoted
    ? enter("draining", state.step, reason, evidence)
    : wait(`frozen by ${freeze.name} until ${new Date(freeze.until).toISOString()}`);
}
