/** What the server keeps beside Git: projects, merge requests, users, the token. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RepositorySettings } from "../../../automation/guard/simulation/git-host-state.ts";
import { type Author, createBareRepository, type GitRepository } from "./git.ts";

export interface ServerRequest {
  readonly id: number;
  readonly iid: number;
  readonly source: string;
  readonly target: string;
  readonly removeSourceBranch: boolean;
  readonly reviewers: readonly number[];
  readonly createdAt: number;
  title: string;
  description: string;
  labels: readonly string[];
  state: "opened" | "merged" | "closed" | "locked";
  /** As it was last seen. */
  head: string;
  /** Where it left the target, once it is merged. */
  base: string | null;
  mergeCommit: string | null;
  squashCommit: string | null;
  mergedAt: number | undefined;
  mergedBy: string | undefined;
  mergeStatus: string | undefined;
  pipeline: string | undefined;
  /** Of what it was last checked whether it can be merged. */
  checked: string;
  /** What that found. */
  found: { readonly status: string; readonly conflicting: boolean };
  readonly approvedBy: string[];
  readonly notes: string[];
}

export interface Project {
  readonly id: number;
  readonly path: string;
  readonly git: GitRepository;
  readonly requests: ServerRequest[];
  settings: RepositorySettings;
  /** How many merge requests lists see; undefined: all. */
  listed: number | undefined;
}

export interface ServerState {
  readonly projects: Map<string, Project>;
  readonly users: readonly string[];
  readonly self: string;
  readonly token: string;
  tokenExpiresAt: number | undefined;
  listsAreStale: boolean;
  now(): number;
  createProject(path: string): Promise<Project>;
  /** One change at a time in all repositories. */
  alone<Result>(work: () => Promise<Result>): Promise<Result>;
  remove(): Promise<void>;
}

export const authorOf = (username: string): Author => ({ name: username, email: `${username}@example.com` });

export async function createServerState(token: string, now: () => number): Promise<ServerState> {
  const folder = await mkdtemp(join(tmpdir(), "gitlab-server-"));
  const projects = new Map<string, Project>();
  let queue: Promise<unknown> = Promise.resolve();
  return {
    projects,
    users: ["guard-bot", "anna", "bert", "carla"],
    self: "guard-bot",
    token,
    tokenExpiresAt: undefined,
    listsAreStale: false,
    now,
    async createProject(path) {
      const id = projects.size + 1;
      const git = await createBareRepository(await mkdtemp(join(folder, "repository-")));
      const settings = { approvalsRequired: 0, authorMayApprove: true, fastForwardOnly: false };
      const project: Project = { id, path, git, requests: [], settings, listed: undefined };
      projects.set(path, project);
      return project;
    },
    alone(work) {
      const mine = queue.then(work);
      queue = mine.catch(() => undefined);
      return mine;
    },
    async remove() {
      await queue;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Follows the source branch while it is open. */
export async function headOf({ git }: Project, request: ServerRequest): Promise<string> {
  if (request.state === "opened") request.head = (await git.resolve(`refs/heads/${request.source}`)) ?? request.head;
  return request.head;
}

export async function targetOf({ git }: Project, request: ServerRequest): Promise<string | undefined> {
  return git.resolve(`refs/heads/${request.target}`);
}
