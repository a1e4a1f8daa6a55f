import type { ErrorCode } from "../errors.ts";
import type { FailoverReason } from "../failover/decide.ts";
import type { Reason } from "../swap/reasons.ts";
import type { EndState, Verb } from "../swap/state.ts";
import type { WorldOptions } from "./simulation/world.ts";
import type { Stage } from "./stage.ts";
import type { WatchStage } from "./watch-stage.ts";

/** What a swap has to make of a fault. */
export interface Expected {
  readonly ends: EndState;
  /** One of these is why; absent where the end says it all. */
  readonly reasons?: readonly Reason[];
  /**
   * The swap pauses for one of these, or its process ends with one of these codes, before anybody repairs the fault. Absent:
   * it must not stop at all.
   */
  readonly stopsFor?: readonly (Reason | ErrorCode)[];
  /** What the person who finds it stopped asks for, after the repair; default resume. */
  readonly operator?: Verb;
  /** Commands that are refused meanwhile, by code. */
  readonly refuses?: readonly ErrorCode[];
  /** From the first request that the fault touched to the decision, ms. */
  readonly detectedWithinMs?: number;
  /** Requests that may fail by the fault; default 0. */
  readonly hurtAtMost?: number;
  /** From the decision until the data plane is seen to follow, ms; default 5,000. */
  readonly verifiedWithinMs?: number;
  /** Until somebody who takes over acts, ms; default 20,000. */
  readonly resumedWithinMs?: number;
  /** Alerts that people have to hear of beside those for the end and the stops, by code. */
  readonly alerts?: readonly (Reason | ErrorCode)[];
}

export interface SwapFault {
  /** For `--faults`. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly world?: WorldOptions;
  /** Arranges the fault; nothing runs yet. */
  readonly given: (stage: Stage) => void;
  readonly expected: Expected;
}

/** What the watcher of an environment has to make of a fault. */
export interface ExpectedMoves {
  /** Where the traffic goes, in order; nothing else may ever have it. */
  readonly moves: readonly string[];
  /** Times that people are told to move it, each time to the standby; default 0. */
  readonly proposals?: number;
  /** Moves that were begun and refused, by code. */
  readonly refuses?: readonly ErrorCode[];
  /** For each of these it has to leave the traffic where it is for some time. */
  readonly holds?: readonly FailoverReason[];
  /** Reasons for which a swap pauses meanwhile. */
  readonly stopsFor?: readonly Reason[];
  /**
   * From the first request that the fault touched to the first decision to move or to propose it, ms. At most: default a
   * window and 4 s, one slice of it and a look. At least: default 0.
   */
  readonly detectedWithinMs?: number;
  readonly detectedAfterMs?: number;
  /** From that decision until the data plane is seen to follow, ms; default 5,000. */
  readonly verifiedWithinMs?: number;
  /** Until the watcher that takes over acts, ms; default 20,000. */
  readonly resumedWithinMs?: number;
  /** Default 0. */
  readonly hurtAtMost?: number;
}

/** A fault outside a swap: the side that serves, or what a failover needs. */
export interface FailoverFault {
  readonly name: string;
  readonly title: string;
  readonly world?: WorldOptions;
  /** The section `failover` of switchyard.yaml, beside the policy automatic. */
  readonly failover: Readonly<Record<string, unknown>>;
  /** Arranges the fault; nothing runs yet. */
  readonly given: (stage: WatchStage) => void;
  /** How long it is watched, ms. */
  readonly lastsMs: number;
  readonly expected: ExpectedMoves;
}

export type Fault = SwapFault | FailoverFault;

export function describeMoves({ moves, proposals = 0 }: Pick<ExpectedMoves, "moves" | "proposals">): string {
  const told = proposals === 0 ? [] : [proposals === 1 ? "proposed" : `proposed ${proposals} times`];
  const moved = moves.map((platform) => `moved to ${platform}`);
  return [...told, ...moved].join(", then ") || "not moved";
}

/** In words, for tables. */
export function describeExpected(expected: Expected): string {
  const parts = [
    ...(expected.refuses ?? []).map((code) => `refused: ${code}`),
    ...(expected.stopsFor === undefined ? [] : [`stops: ${expected.stopsFor.join(" or ")}`]),
    expected.ends,
  ];
  return parts.join(", then ");
}
