import type { Probe } from "../objects/pod.ts";

/** What one probe of a container has seen. */
export interface ProbeState {
  /** What the probe says now; undefined before it has said anything. */
  readonly verdict: boolean | undefined;
  /** The last result and how often it came in a row. */
  readonly last: boolean | undefined;
  readonly run: number;
}

export const UNPROBED: ProbeState = { verdict: undefined, last: undefined, run: 0 };

/** The state after one more result: the verdict changes when the result came as often as the threshold says. */
export function withResult(
  state: ProbeState,
  success: boolean,
  thresholds: Pick<Probe, "successThreshold" | "failureThreshold">,
): ProbeState {
  const run = state.last === success ? state.run + 1 : 1;
  const needed = success ? thresholds.successThreshold : thresholds.failureThreshold;
  return { verdict: run >= needed ? success : state.verdict, last: success, run };
}
