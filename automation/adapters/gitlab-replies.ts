/** What GitLab answers, as far as it is used, and as the port has it. */
import { z } from "zod";
import type { Approvals, HostedCommit, MergeRequest } from "../ports/git-host.ts";

const user = z.object({ username: z.string() });
const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

export const mergeRequestReply = z.object({
  iid: z.number().int().positive(),
  web_url: z.string(),
  state: z.enum(["opened", "merged", "closed", "locked"]),
  source_branch: z.string(),
  target_branch: z.string(),
  title: z.string(),
  description: z.string().nullish(),
  draft: z.boolean().nullish(),
  labels: z.array(z.string()),
  author: user,
  /** Null while GitLab prepares it. */
  sha: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  squash_commit_sha: z.string().nullish(),
  merged_at: instant.nullish(),
  merge_user: user.nullish(),
  merged_by: user.nullish(),
  detailed_merge_status: z.string().nullish(),
  merge_status: z.string().nullish(),
  has_conflicts: z.boolean().nullish(),
  /** Null while GitLab prepares it; of the newest push, also once it is merged. */
  diff_refs: z.object({ base_sha: z.string().nullish() }).nullish(),
  diverged_commits_count: z.number().int().nonnegative().nullish(),
  head_pipeline: z.object({ status: z.string() }).nullish(),
});

type MergeRequestReply = z.output<typeof mergeRequestReply>;

/** `head`: where the reply has none. */
export function mergeRequestOf(reply: MergeRequestReply, head: string): MergeRequest {
  const sha = reply.sha ?? head;
  return {
    iid: reply.iid,
    url: reply.web_url,
    state: reply.state,
    source: reply.source_branch,
    target: reply.target_branch,
    title: reply.title,
    description: reply.description ?? "",
    draft: reply.draft ?? /^(draft:|\[draft\]|\(draft\))/i.test(reply.title),
    labels: reply.labels,
    author: reply.author.username,
    head: sha,
    base: reply.diff_refs?.base_sha ?? undefined,
    landed: reply.state === "merged" ? (reply.merge_commit_sha ?? reply.squash_commit_sha ?? sha) : undefined,
    mergedAt: reply.state === "merged" ? (reply.merged_at ?? undefined) : undefined,
    mergedBy: reply.state === "merged" ? (reply.merge_user ?? reply.merged_by)?.username : undefined,
    mergeStatus: reply.detailed_merge_status ?? reply.merge_status ?? "unchecked",
    hasConflicts: reply.has_conflicts ?? false,
    behindBy: reply.state === "opened" ? (reply.diverged_commits_count ?? undefined) : undefined,
    pipeline: reply.head_pipeline?.status,
  };
}

/** Of lists, whose other values may be old. */
export const mergeRequestListReply = z.array(z.object({ iid: z.number().int().positive(), source_branch: z.string() }));

const commitReply = z.object({
  id: z.string(),
  parent_ids: z.array(z.string()),
  author_name: z.string(),
  author_email: z.string(),
  message: z.string(),
});

export const compareReply = z.object({ commits: z.array(commitReply) });

/** Oldest first, parents before children whatever order they came in. */
export function commitsOf({ commits }: z.output<typeof compareReply>): readonly HostedCommit[] {
  const open = new Map(commits.map((one) => [one.id, one]));
  const ordered: HostedCommit[] = [];
  const visit = (start: string): void => {
    // By hand rather than by recursion: histories are long.
    const stack = [start];
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const commit = open.get(id);
      const parent = commit?.parent_ids.find((one) => open.has(one));
      if (commit !== undefined && parent !== undefined) {
        stack.push(parent);
        continue;
      }
      stack.pop();
      if (commit === undefined) continue;
      open.delete(id);
      ordered.push({
        id,
        parents: commit.parent_ids,
        authorName: commit.author_name,
        authorEmail: commit.author_email,
        message: commit.message,
      });
    }
  };
  for (const { id } of commits) visit(id);
  return ordered;
}

export const approvalsReply = z.object({
  // Releases without approval rules leave these out: nobody can require any there.
  approvals_required: z.number().int().nonnegative().nullish(),
  approvals_left: z.number().int().nonnegative().nullish(),
  approved_by: z.array(z.object({ user })).nullish(),
});

export function approvalsOf(reply: z.output<typeof approvalsReply>): Approvals {
  const by = (reply.approved_by ?? []).map((one) => one.user.username);
  const required = reply.approvals_required ?? 0;
  return { required, left: reply.approvals_left ?? Math.max(0, required - by.length), by };
}

export const idReply = z.object({ id: z.string() });
export const branchReply = z.object({ commit: z.object({ id: z.string() }) });
export const createdCommitReply = z.object({
  id: z.string(),
  parent_ids: z.array(z.string()).nullish(),
  message: z.string().nullish(),
});
export const notesReply = z.array(z.object({ body: z.string() }));
export const usersReply = z.array(z.object({ id: z.number().int(), username: z.string() }));
export const approvalRulesReply = z.array(z.object({ approvals_required: z.number().int().nonnegative() }));
export const projectReply = z.object({ merge_method: z.string().nullish() });
export const approvalSettingsReply = z.object({ merge_requests_author_approval: z.boolean().nullish() });
export const treeReply = z.array(z.object({ id: z.string(), path: z.string(), type: z.string(), mode: z.string() }));
/** A day; the token ends when it begins, by UTC. */
export const tokenReply = z.object({ expires_at: z.iso.date().nullish() });
export const userReply = user;
