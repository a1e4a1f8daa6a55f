/** What a simulated Git host keeps, and what people do to it. */
import type { Approvals, CommitAction, MergeRequestState, NewMergeRequest } from "../../ports/git-host.ts";
import type { CommitGraph, SimulatedCommit } from "./commit-graph.ts";

/** How a person merges. "rebase" rebases the source branch first, then moves the target forward. */
export interface MergeChoice {
  readonly method: "merge" | "fast-forward" | "rebase";
  readonly squash?: boolean;
  readonly by: string;
}

export interface RepositorySettings {
  readonly approvalsRequired: number;
  readonly authorMayApprove: boolean;
  /** Merges only move the target forward: a branch that is behind has to be rebased. */
  readonly fastForwardOnly: boolean;
}

/** What people and other programs do to the repositories. Who writes gets the address NAME@example.com. */
export interface GitHostHands {
  /** With a branch `main`. Returns its head. */
  createRepository(name: string, files: Readonly<Record<string, string>>): string;
  configure(repository: string, settings: Partial<RepositorySettings>): void;
  /** A commit on a branch; a new branch begins at the head of main. */
  push(repository: string, branch: string, by: string, message: string, actions: readonly CommitAction[]): string;
  deleteBranch(repository: string, branch: string): void;
  /** Returns what the target branch has now. Throws where Git would refuse; approvals and the like do not stop it. */
  merge(repository: string, iid: number, choice: MergeChoice): string;
  /** The source branch onto the target's head. Returns its new head. */
  rebase(repository: string, iid: number): string;
  close(repository: string, iid: number): void;
  reopen(repository: string, iid: number): void;
  approve(repository: string, iid: number, by: string): void;
  /** undefined: by the state of the merge request. */
  setMergeStatus(repository: string, iid: number, status: string | undefined): void;
  setPipeline(repository: string, iid: number, status: string | undefined): void;
  /** While true, lists do not see merge requests that were made since. */
  staleLists(stale: boolean): void;
  /** ms since the epoch; undefined: it does not end. */
  expireToken(at: number | undefined): void;
  comments(repository: string, iid: number): readonly string[];
}

/** A merge request as it is kept. */
export interface SimulatedRequest {
  readonly iid: number;
  readonly asked: NewMergeRequest;
  title: string;
  description: string;
  labels: readonly string[];
  state: MergeRequestState;
  head: string;
  /** Kept when it is merged. */
  base: string | undefined;
  landed: string | undefined;
  mergedAt: number | undefined;
  mergedBy: string | undefined;
  mergeStatus: string | undefined;
  pipeline: string | undefined;
  readonly approvedBy: string[];
  readonly comments: string[];
}

export interface SimulatedRepository {
  readonly graph: CommitGraph;
  readonly branches: Map<string, SimulatedCommit>;
  readonly requests: SimulatedRequest[];
  settings: RepositorySettings;
  /** How many merge requests lists see. */
  listed: number | undefined;
}

export function approvalsOf({ settings }: SimulatedRepository, { approvedBy }: SimulatedRequest): Approvals {
  const required = settings.approvalsRequired;
  return { required, left: Math.max(0, required - approvedBy.length), by: [...approvedBy] };
}
