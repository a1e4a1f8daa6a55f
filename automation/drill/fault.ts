import type { ErrorCode } from "../errors.ts";
import type { Reason } from "../swap/reasons.ts";
import type { EndState, Verb } from "../swap/state.ts";
import type { WorldOptions } from "./simulation/world.ts";
import type { Stage } from "./stage.ts";

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
}

export interface Fault {
  /** For `--faults`. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly world?: WorldOptions;
  /** Arranges the fault; nothing runs yet. */
  readonly given: (stage: Stage) => void;
  readonly expected: Expected;
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
