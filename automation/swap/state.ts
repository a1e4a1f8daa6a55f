/** What a swap's state is (the fold of its journal, fold.ts), and what follows from it. Pure. */
import type { Effect } from "./effects.ts";
import type { EndState, Mode, Phase } from "./events.ts";
import type { VerdictTally } from "./gates/limits.ts";
import type { GateSnapshot } from "./gates/snapshot.ts";
import type { Verdict } from "./gates/verdict.ts";
import type { Reason } from "./reasons.ts";
import type { SwapSettings } from "./settings.ts";
import type { ComplianceVerdict } from "./stateless-settings.ts";

export {
  type EndState,
  journalFormat,
  type Mode,
  type Phase,
  phases,
  type SwapEvent,
  swapEvent,
  type Verb,
  verbs,
} from "./events.ts";

/** Why and when traffic is going back. */
export interface Rollback {
  readonly reason: Reason;
  readonly evidence: Readonly<Record<string, number | string | boolean>>;
  readonly decidedAt: number;
  readonly acceptedAt?: number;
  readonly verifiedAt?: number;
}

export interface SwapState {
  readonly id: string;
  readonly mode: Mode;
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  readonly image: string;
  readonly settings: SwapSettings;
  readonly startedAt: number;
  readonly phase: Phase;
  /** Index into the ramp while shifting; else the last one reached, -1 before the first. */
  readonly step: number;
  readonly phaseSince: number;
  readonly phaseReason: Reason;
  /** The candidate's weight that the balancer's API accepted last, percent; undefined before it has an entry. */
  readonly accepted: Readonly<Record<string, number>> | undefined;
  /** When it did. */
  readonly acceptedAt: number | undefined;
  /** Whether a write of weights was ever begun. */
  readonly touched: boolean;
  /** Whether the data plane was seen to follow it, and from when on the probes were sent that saw it. */
  readonly verified: boolean;
  readonly verifiedSince: number | undefined;
  readonly pending: { readonly effect: Effect; readonly since: number } | undefined;
  /** Failed attempts at the present phase's effect, and when the last one failed. */
  readonly failures: number;
  readonly failedAt: number | undefined;
  readonly lastFailure: { readonly code: string; readonly message: string } | undefined;
  /** The phase's effect succeeded. */
  readonly done: boolean;
  readonly paused: { readonly reason: Reason; readonly at: number } | undefined;
  /** A person let the present step or the bake pass. */
  readonly promoted: boolean;
  /** A person let the whole ramp pass: the next step is the last one. */
  readonly promotedFull: boolean;
  /** Platforms that this swap may have taken from their autoscalers. */
  readonly held: readonly string[];
  /** Shares, percent, that a person let begin. */
  readonly approved: readonly number[];
  /** Added to the bake by people. */
  readonly bakeExtensionMs: number;
  /** Added to the rollback window by people. */
  readonly windowExtensionMs: number;
  /** A person ended the rollback window. */
  readonly decommission: boolean;
  /** Metrics from outside, judged in this phase and step. */
  readonly metrics: MetricState;
  /** The last look at what runs on the candidate; undefined: none that still counts. */
  readonly compliance:
    | {
        readonly verdict: ComplianceVerdict;
        readonly at: number;
        readonly evidence: Readonly<Record<string, number | string | boolean>>;
      }
    | undefined;
  /** What people were told in this step. */
  readonly noticed: readonly Reason[];
  /** The gates' last snapshot. */
  readonly observed: { readonly cursor: number; readonly gates: GateSnapshot } | undefined;
  /** When a process that drove the swap wrote last. */
  readonly aliveAt: number;
  /** When the phase's effect succeeded. */
  readonly doneAt: number | undefined;
  /** The last write of weights whose outcome is not known to be good. */
  readonly unsettled: Readonly<Record<string, number>> | undefined;
  /** Before it another one was begun, of other weights, that may still be under way. */
  readonly strayWrite: boolean;
  /** A weight was written after the gates' last snapshot: the snapshot's windows are of the step before. */
  readonly stepBegan: boolean;
  /** Set where nobody drove the swap for longer than the dead-man policy allows, ms. */
  readonly deadMs: number | undefined;
  readonly rollback: Rollback | undefined;
  /** A person's wish that has not been carried out yet. */
  readonly wish: "abort" | "rollback" | undefined;
  /** The number of the last request that was taken in. */
  readonly requestsSeen: number;
  readonly end: { readonly as: EndState; readonly reason: Reason; readonly at: number } | undefined;
  /** Where each phase and step began, for the report. */
  readonly marks: readonly { readonly phase: Phase; readonly step: number; readonly at: number }[];
}

export interface MetricState {
  readonly tally: VerdictTally;
  readonly measuredAt: number | undefined;
  readonly last: Verdict | undefined;
}

/** Whether traffic can still be sent back to the old side: until its entry is gone. */
export function canReturn(state: Pick<SwapState, "phase" | "done">): boolean {
  return (
    [
      "deploying",
      "attaching",
      "adding-entry",
      "holding",
      "accepting",
      "shifting",
      "baking",
      "retaining",
      "draining",
    ].includes(state.phase) ||
    (state.phase === "removing-entry" && !state.done)
  );
}

export function sameWeights(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Pauses in which no process has to be there: the one that wrote them has ended. */
export const leavingReasons: readonly Reason[] = [
  "deployment-failed",
  "cleanup-failed",
  "attach-failed",
  "capacity-not-held",
];

/** From when the present weights count: they were accepted in this phase, or before it began. */
export function weightsSince({ phaseSince, acceptedAt }: Pick<SwapState, "phaseSince" | "acceptedAt">): number {
  return Math.max(phaseSince, acceptedAt ?? phaseSince);
}

/** The share that the next step would have; undefined after the last one. */
export function nextShare(state: Pick<SwapState, "step" | "settings" | "promotedFull">): number | undefined {
  const { ramp } = state.settings;
  return state.step >= ramp.length - 1 ? undefined : ramp[nextStep(state)];
}

/** The next step's index: the one after, or the last one when a person let the rest pass. */
export function nextStep(state: Pick<SwapState, "step" | "settings" | "promotedFull">): number {
  return state.promotedFull ? state.settings.ramp.length - 1 : state.step + 1;
}
