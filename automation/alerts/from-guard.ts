/** What people are told of an Istio upgrade, change by change of a cluster's state. Pure. */
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { Severity } from "../ports/notifier.ts";
import { type AlertInput, clipped, dedupKey, raise } from "./alert.ts";

/** Guard is of no environment of swaps: its alerts stand under its own name. */
export const guardScope = "guard";

const detailAtMost = 1_000;

/** `before` and `after` are one cluster around one written change; told once it is written. */
export function guardAlerts(before: ClusterRecord, after: ClusterRecord): readonly AlertInput[] {
  const { entry, state, since: at, run } = after;
  const cluster = entry.clusterId;
  const left = before.state === state ? [] : [ended(before, at)];
  const tell = (
    severity: Severity,
    what: string,
    until: "cleared" | "momentary",
    next: readonly string[],
  ): AlertInput =>
    raise(
      {
        code: state,
        severity,
        environment: guardScope,
        platform: cluster,
        title: `${cluster} (${entry.batchId}): ${what}`,
        detail: clipped(run?.note ?? run?.rollback?.reason ?? "", detailAtMost),
        next,
        at,
        dedupKey: keyOf(after),
      },
      until,
    );
  const look = `To look:   npx switchyard guard status --batch ${entry.batchId}`;
  const hop = run === undefined ? "" : ` from Istio ${run.from} to ${run.to}`;
  switch (state) {
    case "rollback_needed":
      return [
        ...left,
        tell(
          "critical",
          `it goes back to Istio ${run?.from ?? "its last version"}: ${run?.rollback?.reason ?? ""}`,
          "cleared",
          [look, "Merge the merge request that reverts as soon as it is there."],
        ),
      ];
    case "rollback_mr_created":
      return [
        ...left,
        tell(
          "critical",
          `the merge request that goes back waits to be merged: ${run?.rollback?.mergeRequest?.url ?? ""}`,
          "cleared",
          [look],
        ),
      ];
    case "paused":
      return [
        ...left,
        tell("warning", `the upgrade${hop} waits for a person: ${run?.note ?? ""}`, "cleared", [
          look,
          `To go on:   npx switchyard guard resume --batch ${entry.batchId}`,
        ]),
      ];
    case "pre_check_failed":
      return [...left, tell("warning", `its checks do not let the upgrade${hop} begin`, "cleared", [look])];
    case "mr_created":
      return [
        ...left,
        tell(
          "info",
          `the merge request of the upgrade${hop} waits to be merged: ${run?.step.mergeRequest?.url ?? ""}`,
          "momentary",
          [look],
        ),
      ];
    case "upgraded":
      return [...left, tell("info", `upgraded${hop}`, "momentary", [look])];
    case "rollback_completed":
      return [...left, tell("info", `it is back at Istio ${run?.from ?? "its last version"}`, "momentary", [look])];
    default:
      return left;
  }
}

/** The state that was left is over. */
const ended = (before: ClusterRecord, at: number): AlertInput => ({ kind: "resolve", at, key: keyOf(before) });

/** The same for every process that drives the batch: batch, cluster, attempt and state. */
function keyOf({ entry, state, run }: ClusterRecord): string {
  const { index, attempt } = run?.step ?? { index: 0, attempt: 1 };
  const again = run?.rollback?.attempt ?? 0;
  return dedupKey(
    guardScope,
    entry.batchId,
    entry.clusterId,
    run?.plan.slice(0, 12) ?? "none",
    index,
    attempt,
    again,
    state,
  );
}
