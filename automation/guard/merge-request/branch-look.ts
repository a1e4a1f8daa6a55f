/** Looks at what became of our branch, with as few questions as it takes: none more than the merge request where nobody touched it. */
import type { GitHost, MergeRequest } from "../../ports/git-host.ts";
import { type BranchState, branchState, type OurCommit, sameChange } from "./branch-check.ts";

export interface BranchLook {
  readonly request: MergeRequest;
  readonly state: BranchState;
}

/** Errors: those of the Git host. */
export async function lookAtBranch(
  host: GitHost,
  repository: string,
  ours: OurCommit,
  iid: number,
  signal?: AbortSignal,
): Promise<BranchLook> {
  const request = await host.mergeRequest(repository, iid, signal);
  const { state, head, landed: landedId } = request;
  const untouched = head === ours.commit;
  if (state === "closed" || state === "locked" || (state === "opened" && untouched) || landedId === ours.commit)
    return { request, state: branchState({ ours, request, commits: [] }) };

  const since = (base: string, until: string) => host.commitsBetween(repository, base, until, signal);
  const history = landedId === undefined ? [] : await since(ours.base, landedId);
  const landed = history.find(({ id }) => id === landedId);
  const holdsOurs = history.some(({ id }) => id === ours.commit);
  if (untouched) return { request, state: branchState({ ours, request, commits: [], landed, holdsOurs }) };

  // Where the target only moved forward, its history does not say what the branch brought: the request does.
  const forward = landedId === head ? (holdsOurs ? ours.commit : request.base) : undefined;
  // What the target had before.
  const target = forward ?? landed?.parents[0] ?? (await host.head(repository, request.target, signal)) ?? ours.base;
  const commits = await since(target, head);
  const before = forward ?? landed?.parents[0] ?? commits[0]?.parents[0] ?? target;
  const files = (commit: string) => host.files(repository, commit, signal);
  const change = sameChange(
    { before: await files(ours.base), after: await files(ours.commit) },
    { before: await files(before), after: await files(landedId ?? head) },
  );
  const commit = (await since(ours.base, ours.commit)).at(-1);
  return { request, state: branchState({ ours, request, commit, commits, landed, holdsOurs, sameChange: change }) };
}
