/** Which clusters one is held against: those in which nothing has changed since its baseline began. Pure. */
import type { Baseline } from "../judge/baseline.ts";
import type { ClusterRecord } from "../registry/record.ts";
import { states } from "../registry/state.ts";

/**
 * Of the same environment, those not upgraded yet first, then by id. One that went back, or that was upgraded and has stood still since, has changed
 * as little as one whose upgrade is to come, so that the last wave is compared too.
 */
export function peersOf(
  fleet: readonly ClusterRecord[],
  { entry, run }: ClusterRecord,
  baseline: Pick<Baseline, "window">,
): readonly ClusterRecord[] {
  const notYet = (one: ClusterRecord): boolean => one.entry.currentIstioVersion === run?.from;
  const still = fleet.filter(
    (one) =>
      one.entry.clusterId !== entry.clusterId &&
      one.entry.environment === entry.environment &&
      states[one.state].resting &&
      (one.since <= baseline.window.fromMs || (notYet(one) && isUntouched(one))),
  );
  return [...still.filter(notYet), ...still.filter((one) => !notYet(one))];
}

/** Nothing of a run has ever landed in it, whenever it came into its state. */
const isUntouched = ({ state, run }: ClusterRecord): boolean =>
  run === undefined || (state === "pre_check_failed" && run.landed.length === 0);
