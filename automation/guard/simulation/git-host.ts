/** A Git host in memory: what a fleet's repositories do while people merge, rebase, edit and close. Pure; time is passed in. */
import { type ErrorCode, SwitchyardError } from "../../errors.ts";
import type { GitHost, HostedCommit, HostedFile, MergeRequest } from "../../ports/git-host.ts";
import {
  applyActions,
  createCommitGraph,
  entriesOf,
  mergeTrees,
  type SimulatedCommit,
  textAt,
} from "./commit-graph.ts";
import {
  approvalsOf,
  type GitHostHands,
  type MergeChoice,
  type SimulatedRepository as Repository,
  type SimulatedRequest as Request,
} from "./git-host-state.ts";

type HostMethod = Exclude<keyof GitHost, "description">;

export interface SimulatedGitHost extends GitHostHands {
  readonly host: GitHost;
  /** Calls of each method. */
  readonly calls: ReadonlyMap<HostMethod, number>;
  /** How many requests GitLab would have had for them. */
  readonly requests: number;
  /** Text of a file; undefined when it is not there. */
  text(repository: string, commit: string, path: string): string | undefined;
  /** Merge requests of a repository, whatever became of them. */
  count(repository: string): number;
  /** Those that are open, as a person sees them. */
  open(repository: string): readonly number[];
  /** What Flux has of a branch, which is no call of the API: the same array for the same commit. */
  fetched(repository: string, branch: string): { readonly commit: string; readonly files: readonly HostedFile[] };
  /** Asked at each call. "before": it fails and does nothing; "after": it does its work and the reply is lost. */
  interfere(fault: ((method: HostMethod, repository: string) => "before" | "after" | undefined) | undefined): void;
}

/** As the adapter for GitLab needs for one call; those that look at several merge requests add one for each. */
const requestsOf: Readonly<Record<HostMethod, number>> = {
  head: 1,
  files: 2,
  commit: 1,
  commitsBetween: 1,
  findMergeRequest: 1,
  openMergeRequests: 1,
  createMergeRequest: 1,
  mergeRequest: 1,
  approvals: 1,
  updateMergeRequest: 1,
  comment: 2,
  contains: 1,
  facts: 6,
};

const self = "guard-bot";
const isText = (path: string): boolean => /\.(ya?ml|json)$/i.test(path);
const owners = ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

export function createSimulatedGitHost({ now }: { readonly now: () => number }): SimulatedGitHost {
  const repositories = new Map<string, Repository>();
  const calls = new Map<HostMethod, number>();
  const files = new WeakMap<SimulatedCommit, readonly HostedFile[]>();
  let requests = 0;
  let stale = false;
  let tokenExpiresAt: number | undefined;
  let fault: Parameters<SimulatedGitHost["interfere"]>[0];

  /** The same array for the same commit. */
  const filesAt = (commit: SimulatedCommit): readonly HostedFile[] => {
    const known =
      files.get(commit) ?? entriesOf(commit.tree).flatMap(([path, text]) => (isText(path) ? [{ path, text }] : []));
    files.set(commit, known);
    return known;
  };
  const fail = (code: ErrorCode, message: string): never => {
    throw new SwitchyardError(code, { message: `simulated Git host: ${message}` });
  };
  const repositoryOf = (name: string): Repository =>
    repositories.get(name) ?? fail("git-host-not-found", `there is no repository ${name}`);
  const commitOf = (repository: Repository, id: string): SimulatedCommit =>
    repository.graph.get(id) ?? fail("git-host-not-found", `there is no commit ${id}`);
  const branchOf = (repository: Repository, branch: string): SimulatedCommit =>
    repository.branches.get(branch) ?? fail("git-host-not-found", `there is no branch ${branch}`);
  const requestOf = (repository: Repository, iid: number): Request =>
    repository.requests[iid - 1] ?? fail("git-host-not-found", `there is no merge request ${iid}`);

  /** Follows the source branch while it is open. */
  const headOf = (repository: Repository, request: Request): SimulatedCommit => {
    const branch = request.state === "opened" ? repository.branches.get(request.asked.source) : undefined;
    return branch ?? commitOf(repository, request.head);
  };

  const baseOf = (repository: Repository, request: Request): SimulatedCommit | undefined => {
    const target = repository.branches.get(request.asked.target);
    return target === undefined ? undefined : repository.graph.mergeBase(headOf(repository, request), target);
  };

  const conflicts = (repository: Repository, request: Request): boolean => {
    const [base, target] = [baseOf(repository, request), repository.branches.get(request.asked.target)];
    if (target === undefined || base === undefined) return true;
    return mergeTrees(base.tree, target.tree, headOf(repository, request).tree) === undefined;
  };

  const behindBy = (repository: Repository, request: Request): number | undefined => {
    const target = repository.branches.get(request.asked.target);
    if (request.state !== "opened" || target === undefined) return undefined;
    return repository.graph.between(headOf(repository, request), target).length;
  };

  /** In GitLab's order, which hides that a branch is behind while approvals are missing. */
  const statusOf = (repository: Repository, request: Request, hasConflicts: boolean): string => {
    if (request.mergeStatus !== undefined) return request.mergeStatus;
    if (request.state !== "opened") return "not_open";
    if (/^draft:/i.test(request.title)) return "draft_status";
    if (hasConflicts) return "conflict";
    if (approvalsOf(repository, request).left > 0) return "not_approved";
    const behind = repository.settings.fastForwardOnly && (behindBy(repository, request) ?? 0) > 0;
    return behind ? "need_rebase" : "mergeable";
  };

  const shown = (name: string, request: Request): MergeRequest => {
    const repository = repositoryOf(name);
    const hasConflicts = request.state === "opened" && conflicts(repository, request);
    return {
      iid: request.iid,
      url: `https://git.example.com/${name}/-/merge_requests/${request.iid}`,
      state: request.state,
      source: request.asked.source,
      target: request.asked.target,
      title: request.title,
      description: request.description,
      draft: /^draft:/i.test(request.title),
      labels: request.labels,
      author: self,
      head: headOf(repository, request).id,
      base: request.state === "merged" ? request.base : baseOf(repository, request)?.id,
      landed: request.landed,
      mergedAt: request.mergedAt,
      mergedBy: request.mergedBy,
      mergeStatus: statusOf(repository, request, hasConflicts),
      hasConflicts,
      behindBy: behindBy(repository, request),
      pipeline: request.pipeline,
    };
  };

  const listed = ({ requests: all, listed: limit }: Repository): readonly Request[] => all.slice(0, limit);

  const call = async <Result>(
    method: HostMethod,
    repository: string,
    signal: AbortSignal | undefined,
    work: () => Result,
  ): Promise<Result> => {
    signal?.throwIfAborted();
    calls.set(method, (calls.get(method) ?? 0) + 1);
    requests += requestsOf[method];
    const hit = fault?.(method, repository);
    if (hit === "before") fail("git-host-unreachable", `no answer (${method})`);
    if (tokenExpiresAt !== undefined && tokenExpiresAt <= now()) fail("git-host-refused", "the token has expired");
    const result = work();
    if (hit === "after") fail("git-host-unreachable", `the answer was lost (${method})`);
    return result;
  };

  const host: GitHost = {
    description: "simulated Git host",
    head: (name, branch, signal) => call("head", name, signal, () => repositoryOf(name).branches.get(branch)?.id),
    files: (name, id, signal) => call("files", name, signal, () => filesAt(commitOf(repositoryOf(name), id))),
    commit: (name, { branch, start, message, actions }, signal) =>
      call("commit", name, signal, () => {
        const repository = repositoryOf(name);
        if (repository.branches.has(branch)) return "exists";
        const parent = commitOf(repository, start);
        const tree = applyActions(parent.tree, actions);
        if (typeof tree === "string") return fail("git-host-rejected", tree);
        const commit = repository.graph.add({ parents: [parent], tree, author: self, message });
        repository.branches.set(branch, commit);
        return { id: commit.id };
      }),
    commitsBetween: (name, base, head, signal) =>
      call("commitsBetween", name, signal, () => {
        const repository = repositoryOf(name);
        const commits = repository.graph.between(commitOf(repository, base), commitOf(repository, head));
        return commits.map(
          ({ id, parents, authorName, authorEmail, message }): HostedCommit => ({
            id,
            parents,
            authorName,
            authorEmail,
            message,
          }),
        );
      }),
    findMergeRequest: (name, source, signal) =>
      call("findMergeRequest", name, signal, () => {
        const found = listed(repositoryOf(name)).findLast(({ asked }) => asked.source === source);
        requests += found === undefined ? 0 : 1;
        return found === undefined ? undefined : shown(name, found);
      }),
    openMergeRequests: (name, prefix, signal) =>
      call("openMergeRequests", name, signal, () => {
        const found = listed(repositoryOf(name)).filter(
          ({ state, asked }) => state === "opened" && asked.source.startsWith(prefix),
        );
        requests += found.length;
        return found.map((request) => shown(name, request));
      }),
    createMergeRequest: (name, asked, signal) =>
      call("createMergeRequest", name, signal, () => {
        const repository = repositoryOf(name);
        const head = branchOf(repository, asked.source);
        branchOf(repository, asked.target);
        if (repository.requests.some((one) => one.state === "opened" && one.asked.source === asked.source))
          return "exists";
        const { title, description, labels } = asked;
        const request: Request = {
          iid: repository.requests.length + 1,
          asked,
          title,
          description,
          labels: [...labels],
          state: "opened",
          head: head.id,
          base: undefined,
          landed: undefined,
          mergedAt: undefined,
          mergedBy: undefined,
          mergeStatus: undefined,
          pipeline: undefined,
          approvedBy: [],
          comments: [],
        };
        repository.requests.push(request);
        if (stale) repository.listed ??= repository.requests.length - 1;
        return shown(name, request);
      }),
    mergeRequest: (name, iid, signal) =>
      call("mergeRequest", name, signal, () => shown(name, requestOf(repositoryOf(name), iid))),
    approvals: (name, iid, signal) =>
      call("approvals", name, signal, () => approvalsOf(repositoryOf(name), requestOf(repositoryOf(name), iid))),
    updateMergeRequest: (name, iid, { title, description, labels }, signal) =>
      call("updateMergeRequest", name, signal, () => {
        const request = requestOf(repositoryOf(name), iid);
        request.title = title ?? request.title;
        request.description = description ?? request.description;
        request.labels = labels ?? request.labels;
      }),
    comment: (name, iid, marker, text, signal) =>
      call("comment", name, signal, () => {
        const { comments } = requestOf(repositoryOf(name), iid);
        const mark = `<!-- ${marker} -->`;
        if (!comments.some((one) => one.includes(mark))) comments.push(`${text}\n\n${mark}`);
      }),
    contains: (name, commit, ancestor, signal) =>
      call("contains", name, signal, () => {
        const repository = repositoryOf(name);
        return repository.graph.contains(commitOf(repository, commit), commitOf(repository, ancestor));
      }),
    facts: (name, signal) =>
      call("facts", name, signal, () => {
        const { settings, branches } = repositoryOf(name);
        const tree = branches.get("main")?.tree;
        const texts = tree === undefined ? [] : owners.flatMap((path) => textAt(tree, path) ?? []);
        return {
          approvalsRequired: settings.approvalsRequired,
          authorMayApprove: settings.authorMayApprove,
          rebaseFirst: settings.fastForwardOnly,
          codeOwners: texts[0],
          tokenExpiresAt,
          self,
        };
      }),
  };

  const land = (repository: Repository, request: Request, { method, squash = false, by }: MergeChoice): string => {
    const { graph, branches } = repository;
    const { target: targetName } = request.asked;
    const target = branchOf(repository, targetName);
    const head = method === "rebase" ? graph.rebase(headOf(repository, request), target) : headOf(repository, request);
    const base = head === undefined ? undefined : graph.mergeBase(head, target);
    const tree = head && base && mergeTrees(base.tree, target.tree, head.tree);
    if (head === undefined || tree === undefined) return fail("git-host-rejected", "it has conflicts");
    if (method === "fast-forward" && base?.id !== target.id)
      return fail("git-host-rejected", "the branch has to be rebased first");
    if (method === "rebase") branches.set(request.asked.source, head);
    const squashed = squash
      ? graph.add({ parents: base === undefined ? [] : [base], tree: head.tree, author: self, message: request.title })
      : head;
    const landed =
      method === "merge"
        ? graph.add({
            parents: [target, squashed],
            tree,
            author: by,
            message: `Merge branch '${request.asked.source}' into '${targetName}'`,
          })
        : squashed;
    Object.assign(request, { head: head.id, base: base?.id });
    branches.set(targetName, landed);
    return landed.id;
  };

  return {
    host,
    calls,
    get requests() {
      return requests;
    },
    text: (name, commit, path) => textAt(commitOf(repositoryOf(name), commit).tree, path),
    interfere(next) {
      fault = next;
    },
    createRepository(name, texts) {
      const graph = createCommitGraph(name);
      const root = graph.root(texts, "anna", "First commit");
      repositories.set(name, {
        graph,
        branches: new Map([["main", root]]),
        requests: [],
        settings: { approvalsRequired: 0, authorMayApprove: true, fastForwardOnly: false },
        listed: undefined,
      });
      return root.id;
    },
    configure(name, settings) {
      const repository = repositoryOf(name);
      repository.settings = { ...repository.settings, ...settings };
    },
    push(name, branch, by, message, actions) {
      const repository = repositoryOf(name);
      const parent = repository.branches.get(branch) ?? branchOf(repository, "main");
      const tree = applyActions(parent.tree, actions);
      if (typeof tree === "string") return fail("git-host-rejected", tree);
      const commit = repository.graph.add({ parents: [parent], tree, author: by, message });
      repository.branches.set(branch, commit);
      return commit.id;
    },
    deleteBranch(name, branch) {
      const repository = repositoryOf(name);
      const head = branchOf(repository, branch);
      for (const request of repository.requests)
        if (request.state === "opened" && request.asked.source === branch) request.head = head.id;
      repository.branches.delete(branch);
    },
    merge(name, iid, choice) {
      const repository = repositoryOf(name);
      const request = requestOf(repository, iid);
      if (request.state !== "opened") return fail("git-host-rejected", `merge request ${iid} is ${request.state}`);
      const landed = land(repository, request, choice);
      Object.assign(request, { state: "merged", landed, mergedAt: now(), mergedBy: choice.by });
      if (request.asked.removeSourceBranch) repository.branches.delete(request.asked.source);
      return landed;
    },
    rebase(name, iid) {
      const repository = repositoryOf(name);
      const request = requestOf(repository, iid);
      const target = branchOf(repository, request.asked.target);
      const head = repository.graph.rebase(headOf(repository, request), target);
      if (head === undefined) return fail("git-host-rejected", "it has conflicts");
      repository.branches.set(request.asked.source, head);
      return head.id;
    },
    close(name, iid) {
      const repository = repositoryOf(name);
      const request = requestOf(repository, iid);
      request.head = headOf(repository, request).id;
      request.state = "closed";
    },
    reopen(name, iid) {
      requestOf(repositoryOf(name), iid).state = "opened";
    },
    approve(name, iid, by) {
      const { approvedBy } = requestOf(repositoryOf(name), iid);
      if (!approvedBy.includes(by)) approvedBy.push(by);
    },
    setMergeStatus(name, iid, status) {
      requestOf(repositoryOf(name), iid).mergeStatus = status;
    },
    setPipeline(name, iid, status) {
      requestOf(repositoryOf(name), iid).pipeline = status;
    },
    staleLists(next) {
      stale = next;
      for (const repository of repositories.values()) repository.listed = next ? repository.requests.length : undefined;
    },
    expireToken(at) {
      tokenExpiresAt = at;
    },
    open: (name) => repositoryOf(name).requests.flatMap(({ iid, state }) => (state === "opened" ? [iid] : [])),
    count: (name) => repositoryOf(name).requests.length,
    fetched(name, branch) {
      const head = branchOf(repositoryOf(name), branch);
      return { commit: head.id, files: filesAt(head) };
    },
    comments: (name, iid) => requestOf(repositoryOf(name), iid).comments,
  };
}
