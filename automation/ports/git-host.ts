/** Repositories that people change by merge requests: GitLab. */

/** A file as it is, with its byte order mark and line ends. */
export interface HostedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface CommitAction {
  readonly kind: "create" | "update" | "delete";
  readonly path: string;
  /** Not for `delete`. */
  readonly text?: string;
}

/** One commit on a new branch: all of it or nothing. */
export interface NewCommit {
  readonly branch: string;
  /** Commit that the branch begins at. */
  readonly start: string;
  readonly message: string;
  readonly actions: readonly CommitAction[];
}

export interface HostedCommit {
  readonly id: string;
  /** First parent first. */
  readonly parents: readonly string[];
  readonly authorName: string;
  readonly authorEmail: string;
  /** Whole message. */
  readonly message: string;
}

export interface NewMergeRequest {
  readonly source: string;
  readonly target: string;
  /** `Draft: ` in front makes it one. */
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
  /** User names. */
  readonly reviewers: readonly string[];
  readonly removeSourceBranch: boolean;
}

export type MergeRequestState = "opened" | "merged" | "closed" | "locked";

export interface MergeRequest {
  /** Its number in the repository. */
  readonly iid: number;
  readonly url: string;
  readonly state: MergeRequestState;
  readonly source: string;
  readonly target: string;
  readonly title: string;
  readonly description: string;
  readonly draft: boolean;
  readonly labels: readonly string[];
  readonly author: string;
  /** Head of the source branch. */
  readonly head: string;
  /** Where the source branch left its target, as of its last push; undefined: it is not said. */
  readonly base: string | undefined;
  /** Only merged: the commit of the target branch that holds it (merge, squash, or the head of a fast-forward). */
  readonly landed: string | undefined;
  /** ms since the epoch. */
  readonly mergedAt: number | undefined;
  readonly mergedBy: string | undefined;
  /** GitLab's detailed_merge_status as text; unknown values exist. */
  readonly mergeStatus: string;
  readonly hasConflicts: boolean;
  /** Commits of the target that its branch does not have; undefined: it is not said, or not open. */
  readonly behindBy: number | undefined;
  /** Status of the head's pipeline; undefined when it has none. */
  readonly pipeline: string | undefined;
}

export interface Approvals {
  readonly required: number;
  readonly left: number;
  readonly by: readonly string[];
}

/** What rule 29 asks of a project. */
export interface RepositoryFacts {
  readonly approvalsRequired: number;
  readonly authorMayApprove: boolean;
  /** A branch that is behind its target has to be rebased before it is merged. */
  readonly rebaseFirst: boolean;
  /** Text of CODEOWNERS; undefined when there is none. */
  readonly codeOwners: string | undefined;
  /** Of the token that asks, ms since the epoch; undefined: it does not end. */
  readonly tokenExpiresAt: number | undefined;
  /** User name of the token. */
  readonly self: string;
}

/**
 * Repository names are paths, `group/project`. Every call waits its turn (rate limits) and is repeated when it is safe to.
 * Errors of all: git-host-unreachable, git-host-refused (token, permission), git-host-not-found (repository, branch, commit),
 * git-host-busy (throttled for longer than it is waited for).
 */
export interface GitHost {
  /** `GitLab at https://…` */
  readonly description: string;
  /** Head of a branch; undefined when there is none. */
  head(repository: string, branch: string, signal?: AbortSignal): Promise<string | undefined>;
  /** All YAML and JSON files at a commit (`.yaml`, `.yml`, `.json`), whatever their number: one or few calls. */
  files(repository: string, commit: string, signal?: AbortSignal): Promise<readonly HostedFile[]>;
  /** Makes branch and commit in one step. "exists": the branch is there already, nothing was done. */
  commit(repository: string, commit: NewCommit, signal?: AbortSignal): Promise<{ readonly id: string } | "exists">;
  /** Commits of `head` that `base` does not have, oldest first. */
  commitsBetween(
    repository: string,
    base: string,
    head: string,
    signal?: AbortSignal,
  ): Promise<readonly HostedCommit[]>;
  /** The newest merge request of a source branch, in whatever state; found by the branch, never by title. */
  findMergeRequest(repository: string, source: string, signal?: AbortSignal): Promise<MergeRequest | undefined>;
  /** Open merge requests whose source branch begins with a text. */
  openMergeRequests(repository: string, prefix: string, signal?: AbortSignal): Promise<readonly MergeRequest[]>;
  /** "exists": an open one of that source is there, nothing was done. */
  createMergeRequest(
    repository: string,
    request: NewMergeRequest,
    signal?: AbortSignal,
  ): Promise<MergeRequest | "exists">;
  /** Never from a list, whose values are stale. */
  mergeRequest(repository: string, iid: number, signal?: AbortSignal): Promise<MergeRequest>;
  approvals(repository: string, iid: number, signal?: AbortSignal): Promise<Approvals>;
  updateMergeRequest(
    repository: string,
    iid: number,
    change: { readonly title?: string; readonly description?: string; readonly labels?: readonly string[] },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Writes a comment unless one with this marker is there; the marker stands in it as an HTML comment. */
  comment(repository: string, iid: number, marker: string, text: string, signal?: AbortSignal): Promise<void>;
  /** Whether `commit` has `ancestor` in its history (or is it). */
  contains(repository: string, commit: string, ancestor: string, signal?: AbortSignal): Promise<boolean>;
  facts(repository: string, signal?: AbortSignal): Promise<RepositoryFacts>;
}
