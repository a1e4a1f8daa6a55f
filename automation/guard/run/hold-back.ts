/** Keeps an open merge request from being merged while it should not be, and lets it go again. */
import type { MergeRequest } from "../../ports/git-host.ts";
import { readMark, type StepMark } from "../merge-request/mark.ts";
import { withFreshMark } from "../merge-request/text.ts";
import type { ClusterRecord, MergeRequestMark } from "../registry/record.ts";
import type { RunContext } from "./context.ts";
import { openRequestOf } from "./step.ts";

const draft = "Draft: ";

/** Makes it a draft and says why, once each; what it is then: somebody may have merged it. */
export async function holdBack(
  { host }: Pick<RunContext, "host">,
  { repository, iid }: MergeRequestMark,
  { why, marker }: { readonly why: string; readonly marker: string },
  signal: AbortSignal,
): Promise<MergeRequest> {
  const request = await host.mergeRequest(repository, iid, signal);
  if (request.state !== "opened") return request;
  if (!request.draft) await host.updateMergeRequest(repository, iid, { title: `${draft}${request.title}` }, signal);
  await host.comment(repository, iid, marker, why, signal);
  return request.draft ? request : host.mergeRequest(repository, iid, signal);
}

/**
 * An open one whose clusters were checked again: its mark says when, so that the gate counts from there; and what was held back for one of
 * these clusters is no draft any more, once it is for no other.
 */
export async function checkedAgain(
  { host }: Pick<RunContext, "host">,
  request: MergeRequest,
  {
    repository,
    mark,
    clusters,
    all,
  }: {
    readonly repository: string;
    readonly mark: StepMark;
    /** That were checked now. */
    readonly clusters: readonly ClusterRecord[];
    /** Of the batch. */
    readonly all: readonly ClusterRecord[];
  },
  signal: AbortSignal,
): Promise<void> {
  if (request.state !== "opened") return;
  const checked = new Set(clusters.map(({ entry }) => entry.clusterId));
  const rest = all.filter(
    (one) =>
      !checked.has(one.entry.clusterId) &&
      one.entry.gitlabRepo === repository &&
      openRequestOf(one)?.iid === request.iid,
  );
  if (rest.some(({ run }) => run?.step.held !== undefined)) return;
  const oldest = Math.min(mark.checkedAt, ...rest.map(({ run }) => run?.step.checkedAt ?? mark.checkedAt));
  const known = readMark(request.description);
  const description =
    known === undefined || known.checkedAt >= oldest
      ? undefined
      : withFreshMark(request.description, { ...known, checkedAt: oldest });
  const release = clusters.some(({ run }) => run?.step.held !== undefined) && request.title.startsWith(draft);
  if (description === undefined && !release) return;
  const change = {
    ...(description === undefined ? {} : { description }),
    ...(release ? { title: request.title.slice(draft.length) } : {}),
  };
  await host.updateMergeRequest(repository, request.iid, change, signal);
}
