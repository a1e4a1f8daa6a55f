/** How far a revisioned upgrade has come in a cluster, as guard's own records and plan say. */
import type { Digest } from "../../guard/merge-request/mark.ts";
import { readPlan } from "../../guard/plan/stored-plan.ts";
import { clusterRecord } from "../../guard/registry/record.ts";
import type { GuardState } from "../../guard/registry/state-names.ts";
import { requestsOf } from "../../guard/run/step.ts";
import type { WatchedStore } from "./watched-store.ts";

/** Nothing of a step's merge request may be in the cluster yet. */
const beforeMerge: readonly GuardState[] = ["pre_check_running", "pre_check_failed", "pre_check_passed", "mr_created"];

type Written = Pick<WatchedStore, "newest" | "plan">;

/** Percent of the last share whose merge request was merged; 0 before the first, 100 in all steps that follow the last. */
function shareIn(value: string, { plan }: Written, digest: Digest): number {
  const { entry, state, pausedFrom, run } = clusterRecord.parse(JSON.parse(value));
  const text = run === undefined ? undefined : plan(run.plan);
  if (run === undefined || text === undefined) return 0;
  const requests = requestsOf(readPlan(text, run.plan, digest), entry.clusterId, run);
  const merged = run.step.index + (beforeMerge.includes(pausedFrom ?? state) ? 0 : 1);
  const shares = requests.slice(0, merged).flatMap(({ step }) => (step.kind === "share" ? [step.share] : []));
  return Math.max(0, ...shares);
}

/** Of a cluster; read again only when its record has changed. */
export function sharesReached(written: Written, digest: Digest): (cluster: string) => number {
  const known = new Map<string, { readonly value: string; readonly share: number }>();
  return (cluster) => {
    const value = written.newest(cluster);
    if (value === undefined) return 0;
    const last = known.get(cluster);
    if (last?.value === value) return last.share;
    const share = shareIn(value, written, digest);
    known.set(cluster, { value, share });
    return share;
  };
}
