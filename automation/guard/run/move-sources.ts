/**
 * Moves a batch's repositories off Istio's retired hosts, at the version that they have: per repository one merge request that a person merges.
 * Its branch follows from repository, batch and head, so that whoever asks again makes no second one.
 */
import type { GitHost, MergeRequest } from "../../ports/git-host.ts";
import type { FileEdit, Problem } from "../edit/edit.ts";
import { findSources, moveSources, type SourceUse } from "../edit/sources.ts";
import type { Digest } from "../merge-request/mark.ts";
import type { ClusterRecord } from "../registry/record.ts";
import type { GuardConfig } from "../settings.ts";
import { readersOf } from "./context.ts";
import { actionsOf } from "./merge-request.ts";

export interface SourcesInput {
  readonly host: GitHost;
  readonly batch: string;
  /** Everything in the registry. */
  readonly fleet: readonly ClusterRecord[];
  readonly gitlab: Pick<GuardConfig["gitlab"], "default_target_branch" | "labels" | "reviewers">;
  readonly digest: Digest;
  /** Whether merge requests are opened. */
  readonly move: boolean;
  readonly signal: AbortSignal;
}

export interface RepositorySources {
  readonly repository: string;
  /** Files that were looked at. */
  readonly files: number;
  /** Also in files that no cluster of the batch reads. */
  readonly uses: readonly SourceUse[];
  readonly mergeRequest?: string;
  /** Why none is opened. */
  readonly problems: readonly Problem[];
}

/** By repository. Errors: git-host-not-found (a repository, its branch); those of the host. */
export async function batchSources(input: SourcesInput): Promise<readonly RepositorySources[]> {
  const members = input.fleet.filter(({ entry }) => entry.batchId === input.batch);
  const repositories = [...new Set(members.map(({ entry }) => entry.gitlabRepo))].toSorted();
  const found: RepositorySources[] = [];
  for (const repository of repositories) found.push(await sourcesOf(input, repository));
  return found;
}

async function sourcesOf(input: SourcesInput, repository: string): Promise<RepositorySources> {
  const { host, gitlab, fleet, batch, move, signal } = input;
  const target = gitlab.default_target_branch;
  const head = await host.head(repository, target, signal);
  if (head === undefined) {
    const why = `it has no branch ${target}`;
    const fix = "Correct gitlab.default_target_branch, or the registry.";
    return {
      repository,
      files: 0,
      uses: [],
      problems: [{ file: repository, what: "Nothing was looked at", why, fix }],
    };
  }
  const files = await host.files(repository, head, signal);
  const uses = findSources(files);
  const found = { repository, files: files.length, uses, problems: [] };
  if (!move || uses.length === 0) return found;
  const targets = fleet
    .filter(({ entry }) => entry.batchId === batch && entry.gitlabRepo === repository)
    .map(({ entry }) => entry.clusterId);
  const edited = moveSources({ files, clusters: readersOf(fleet, repository), targets });
  if (edited.kind === "refused") return { ...found, problems: edited.problems };
  if (edited.edits.length === 0) return found;
  const { url } = await openMove(input, repository, head, edited.edits);
  return { ...found, mergeRequest: url };
}

/** Not among the branches of upgrades, which say what was checked: nothing is checked for this one. */
const prefixOf = (batch: string): string => `guard-sources/${batch}-`;

async function openMove(
  { host, gitlab, batch, digest, signal }: SourcesInput,
  repository: string,
  head: string,
  edits: readonly FileEdit[],
): Promise<MergeRequest> {
  const prefix = prefixOf(batch);
  // One that is open, of an older head too, is the one: a batch's name may begin another's, a hash has no dash.
  const open = (await host.openMergeRequests(repository, prefix, signal)).find(({ source }) =>
    /^[0-9a-f]+$/.test(source.slice(prefix.length)),
  );
  if (open !== undefined) return open;
  const branch = `${prefix}${digest(JSON.stringify([repository, batch, head])).slice(0, 12)}`;
  const title = `Istio's charts and images of ${batch} from where they are published now`;
  const description = [
    "Istio has retired the hosts from which these files take its charts and images; nothing new is published there.",
    "Only addresses change; every version stays as it is.",
    "",
    ...edits.map(({ path }) => `- \`${path}\``),
  ].join("\n");
  await host.commit(repository, { branch, start: head, message: title, actions: actionsOf(edits) }, signal);
  const { labels, reviewers } = gitlab;
  const target = gitlab.default_target_branch;
  const asked = { source: branch, target, title, description, labels, reviewers, removeSourceBranch: true };
  const made = await host.createMergeRequest(repository, asked, signal);
  const there = made === "exists" ? await host.findMergeRequest(repository, branch, signal) : made;
  if (there === undefined) throw new RangeError(`${branch} has a merge request that cannot be found`);
  return there;
}
