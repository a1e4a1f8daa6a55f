/**
 * Whether a merge request may be merged, with the one reason to act on first: what would undo others' work comes before it, so that
 * nobody approves a branch that has to be rebased. Pure.
 */
import type { Approvals, MergeRequest } from "../../ports/git-host.ts";

/** Who has to do something; "git-host": it works and nobody has to. */
type Actor = "git-host" | "pipeline" | "guard" | "author" | "reviewers" | "maintainers";

export interface MergeStateQuestion {
  readonly request: Pick<MergeRequest, "state" | "draft" | "mergeStatus" | "hasConflicts" | "behindBy" | "pipeline">;
  readonly approvals?: Approvals | undefined;
  /** The project wants a branch rebased that is behind; GitLab hides behind other reasons that one is. Default: not known. */
  readonly rebaseFirst?: boolean | undefined;
}

export interface MergeState {
  readonly kind: "ready" | "wait" | "blocked";
  /** The value of GitLab's detailed_merge_status that fits; an unknown one as it is. */
  readonly reason: string;
  /** One sentence. */
  readonly text: string;
  readonly who: Actor;
  /** Further reasons that are known, first things first. */
  readonly also: readonly string[];
}

interface Reason {
  readonly kind: MergeState["kind"];
  readonly text: string;
  readonly who: Actor;
}

const wait = (text: string, who: Actor = "git-host"): Reason => ({ kind: "wait", text, who });
const blocked = (who: Actor, text: string): Reason => ({ kind: "blocked", text, who });

/** All 24 values, what ends or undoes the rest first. */
const reasons = {
  not_open: blocked("author", "It is closed or merged."),
  conflict: blocked("guard", "Its branch conflicts with the target: close it and begin a new attempt."),
  need_rebase: blocked("author", "Its branch is behind the target: rebase it before anybody approves it."),
  locked_paths: blocked("maintainers", "Somebody has locked a path that it changes."),
  locked_lfs_files: blocked("maintainers", "Somebody has locked an LFS file that it changes."),
  commits_status: blocked("guard", "Its source branch is gone or has no commits: begin a new attempt."),
  title_regex: blocked("maintainers", "Its title does not fit what the project asks of titles."),
  draft_status: blocked("author", "It is a draft: mark it as ready."),
  ci_must_pass: blocked("author", "Its pipeline has to pass first."),
  status_checks_must_pass: blocked("maintainers", "An external status check has to pass first."),
  jira_association_missing: blocked("author", "Its title or description has to name a Jira issue."),
  security_policy_violations: blocked("maintainers", "It violates a security policy."),
  security_policy_pipeline_check: blocked("maintainers", "The pipelines of a security policy have to succeed first."),
  merge_request_blocked: blocked("author", "Another merge request has to be merged first."),
  requested_changes: blocked("author", "A reviewer has asked for changes."),
  discussions_not_resolved: blocked("author", "There are discussions that are not resolved."),
  not_approved: blocked("reviewers", "Approvals are missing."),
  merge_time: blocked("author", "It is scheduled and may not be merged before its time."),
  ci_still_running: wait("Its pipeline is running.", "pipeline"),
  approvals_syncing: wait("GitLab counts its approvals."),
  preparing: wait("GitLab prepares its diff."),
  checking: wait("GitLab checks whether it can be merged."),
  unchecked: wait("GitLab has not yet checked whether it can be merged."),
  mergeable: { kind: "ready", text: "It can be merged.", who: "reviewers" },
} as const satisfies Record<string, Reason>;

type Known = keyof typeof reasons;
/** The documented values in order: what comes first is said first. */
export const mergeStatuses: readonly string[] = Object.keys(reasons);

/** Names that other releases of GitLab use for the same. */
const aliases: Readonly<Record<string, Known>> = {
  broken_status: "conflict",
  blocked_status: "merge_request_blocked",
  external_status_checks: "status_checks_must_pass",
  policies_denied: "security_policy_violations",
  security_policies_violations: "security_policy_violations",
  jira_association: "jira_association_missing",
  title_not_matching: "title_regex",
};

const isKnown = (status: string): status is Known => Object.hasOwn(reasons, status);
const known = (status: string): Known | undefined =>
  isKnown(status) ? status : Object.hasOwn(aliases, status) ? aliases[status] : undefined;

/** Until the host has looked, its word on conflicts is of before. */
const unsettled: readonly Known[] = ["unchecked", "checking", "preparing"];

function factsOf({ request, approvals, rebaseFirst }: MergeStateQuestion, status: Known | undefined): readonly Known[] {
  const settled = status === undefined || !unsettled.includes(status);
  return [
    ...(request.state === "opened" ? [] : (["not_open"] as const)),
    ...(request.hasConflicts && settled ? (["conflict"] as const) : []),
    ...(rebaseFirst === true && (request.behindBy ?? 0) > 0 ? (["need_rebase"] as const) : []),
    ...(request.draft ? (["draft_status"] as const) : []),
    // Counts are not yet right while they are counted.
    ...(approvals !== undefined && approvals.left > 0 && status !== "approvals_syncing"
      ? (["not_approved"] as const)
      : []),
  ];
}

function textOf(reason: Known, { request, approvals }: MergeStateQuestion): string {
  const { text } = reasons[reason];
  if (reason === "not_open") return `It is ${request.state}.`;
  if (reason === "not_approved" && approvals !== undefined && approvals.left > 0)
    return `${approvals.left} of ${approvals.required} approvals ${approvals.left === 1 ? "is" : "are"} missing.`;
  if (reason === "ci_must_pass")
    return request.pipeline === undefined
      ? "Its pipeline has to pass first, and none has run."
      : `Its pipeline has to pass first; it is ${request.pipeline}.`;
  return text;
}

/** A value that is not known blocks and is named: what it means nobody can say. */
export function mergeState(question: MergeStateQuestion): MergeState {
  const { mergeStatus } = question.request;
  const status = known(mergeStatus);
  const facts = factsOf(question, status);
  const all = [...facts, ...(status === undefined ? [] : [status])];
  const ordered = Object.keys(reasons)
    .filter(isKnown)
    .filter((one) => all.includes(one));
  const unknown =
    status === undefined ? `GitLab says ${JSON.stringify(mergeStatus.slice(0, 100))}, which is not known.` : undefined;
  const [first, ...others] = unknown === undefined ? ordered : ordered.filter((one) => reasons[one].kind === "blocked");
  const also = others.filter((one) => reasons[one].kind !== "ready").map((one) => textOf(one, question));
  if (first === undefined || (unknown !== undefined && reasons[first].kind !== "blocked"))
    return { kind: "blocked", reason: mergeStatus, text: unknown ?? "", who: "maintainers", also: [] };
  const { kind, who } = reasons[first];
  return {
    kind,
    reason: first,
    text: textOf(first, question),
    who,
    also: unknown === undefined ? also : [...also, unknown],
  };
}
