/** What the CI job of a merge request of guard says. */
import { SwitchyardError } from "../errors.ts";
import { type Gate, gate } from "../guard/merge-request/gate.ts";
import { type Digest, guardBranches } from "../guard/merge-request/mark.ts";
import type { GitHost } from "../ports/git-host.ts";

interface GateRequest {
  readonly host: GitHost;
  readonly repository: string;
  readonly iid: number;
  /** Hash of the plan that holds; default: what other open merge requests say. */
  readonly plan?: string | undefined;
  readonly digest: Digest;
  /** ms since the epoch. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Errors: guard-refused when it must not be merged any more; those of the Git host. */
export async function gateMergeRequest(asked: GateRequest): Promise<Exclude<Gate, { kind: "stale" }>> {
  const { host, repository, iid, plan, digest, now, signal } = asked;
  const request = await host.mergeRequest(repository, iid, signal);
  const open = request.source.startsWith(guardBranches)
    ? await host.openMergeRequests(repository, guardBranches, signal)
    : [];
  const result = gate({ repository, request, plan, open, now, digest });
  if (result.kind !== "stale") return result;
  throw new SwitchyardError("guard-refused", {
    message: `Merge request ${iid} of ${repository} must not be merged:\n${result.reasons.map((reason) => `  ${reason}`).join("\n")}`,
    next: [
      "Let guard check again (npx switchyard guard monitor --batch BATCH): when its checks pass, it says so here. Close what has been overtaken.",
    ],
    data: { reasons: result.reasons },
  });
}
