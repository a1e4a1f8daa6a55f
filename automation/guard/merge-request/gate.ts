/** Whether a merge request of guard may still be merged: its checks hold, and it is for the plan that holds. Pure. */
import type { MergeRequest } from "../../ports/git-host.ts";
import { branchName, type Digest, guardBranches, readMark, type StepMark } from "./mark.ts";

export interface GateQuestion {
  readonly repository: string;
  readonly request: Pick<MergeRequest, "source" | "description" | "state">;
  /** Hash of the plan that holds; default: what the batch's other open merge requests say. */
  readonly plan?: string | undefined;
  /** Guard's open merge requests of the repository, this one among them or not. */
  readonly open?: readonly Pick<MergeRequest, "iid" | "source" | "description">[];
  /** ms since the epoch. */
  readonly now: number;
  readonly digest: Digest;
}

export type Gate =
  /** Not guard's, or no longer open: nothing to say. */
  | { readonly kind: "other"; readonly text: string }
  | { readonly kind: "fresh"; readonly text: string; readonly until: number }
  | { readonly kind: "stale"; readonly reasons: readonly string[] };

const minuteMs = 60_000;
/** Clocks of two machines may differ by that much. */
const skewMs = 5 * minuteMs;
const time = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

export function gate({ repository, request, plan, open = [], now, digest }: GateQuestion): Gate {
  if (!request.source.startsWith(guardBranches))
    return { kind: "other", text: `The branch ${request.source} is not guard's.` };
  if (request.state !== "opened") return { kind: "other", text: `The merge request is ${request.state}.` };
  const mark = readMark(request.description);
  if (mark === undefined)
    return {
      kind: "stale",
      reasons: ["Its description has lost guard's mark, so that nobody can tell what was checked."],
    };
  const until = mark.checkedAt + mark.validMinutes * minuteMs;
  const reasons = [
    ...(branchName(repository, mark, digest) === request.source
      ? []
      : ["Its mark is not that of its branch: the description was changed, or is of another merge request."]),
    ...(plan === undefined || plan === mark.plan ? [] : [`The plan has changed from ${mark.plan} to ${plan}.`]),
    ...overtakenBy(mark, plan, open),
    ...(mark.checkedAt > now + skewMs
      ? [`Its checks are of ${time(mark.checkedAt)}, which is later than this machine's time ${time(now)}.`]
      : []),
    ...(now > until
      ? [
          `Its checks are of ${time(mark.checkedAt)} and held until ${time(until)}, ${Math.ceil((now - until) / minuteMs)} min ago.`,
        ]
      : []),
  ];
  return reasons.length > 0
    ? { kind: "stale", reasons }
    : { kind: "fresh", text: `Its checks hold until ${time(until)}.`, until };
}

/** What other open merge requests of the same clusters say against one: a later plan, or the way back. */
function overtakenBy(
  mark: StepMark,
  plan: string | undefined,
  open: NonNullable<GateQuestion["open"]>,
): readonly string[] {
  if (mark.kind === "rollback") return [];
  return open.flatMap(({ iid, description }) => {
    const other = readMark(description);
    if (other === undefined || other.batch !== mark.batch || other.cluster !== mark.cluster) return [];
    if (other.kind === "rollback")
      return other.plan === mark.plan ? [`The batch goes back by merge request ${iid}.`] : [];
    return plan === undefined && other.plan !== mark.plan && other.checkedAt > mark.checkedAt
      ? [`The plan has changed from ${mark.plan} to ${other.plan}, of merge request ${iid}.`]
      : [];
  });
}
