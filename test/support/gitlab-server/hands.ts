/** What people do on the server, through its real repositories. */
import type { MergeChoice } from "../../../automation/guard/simulation/git-host-state.ts";
import type { Hands } from "../../automation/ports/git-host.contract.ts";
import { GitFailure } from "./git.ts";
import { authorOf, headOf, type Project, type ServerRequest, type ServerState, targetOf } from "./state.ts";

export function createHands(state: ServerState): Hands {
  const projectOf = (name: string): Project => {
    const project = state.projects.get(name);
    if (project === undefined) throw new GitFailure(`there is no project ${name}`);
    return project;
  };
  const requestOf = (project: Project, iid: number): ServerRequest => {
    const request = project.requests[iid - 1];
    if (request === undefined) throw new GitFailure(`there is no merge request ${iid}`);
    return request;
  };
  const onRequest = (name: string, iid: number, work: (request: ServerRequest) => void) =>
    state.alone(async () => work(requestOf(projectOf(name), iid)));

  /** Each commit of its own on top of the target, as a rebase does it. */
  const rebased = async ({ git }: Project, head: string, onto: string): Promise<string> => {
    if (await git.isAncestor(onto, head)) return head;
    let top = onto;
    for (const commit of await git.between(onto, head)) {
      if (commit.parents.length !== 1) continue;
      // What merge-tree takes for the base is the newest common ancestor: here the commit's parent.
      const beside = await git.commitTree(await git.tree(top), commit.parents, "base of a rebase", commit.author);
      const tree = await git.mergeTree(beside, commit.id);
      if (tree === undefined) throw new GitFailure("it has conflicts");
      top = await git.commitTree(tree, [top], commit.message, commit.author);
    }
    return top;
  };

  const land = async (project: Project, request: ServerRequest, { method, squash = false, by }: MergeChoice) => {
    const { git } = project;
    const target = await targetOf(project, request);
    if (target === undefined) throw new GitFailure("its target is gone");
    let head = await headOf(project, request);
    if (method === "rebase") {
      head = await rebased(project, head, target);
      await git.setBranch(request.source, head);
    }
    const base = await git.mergeBase(head, target);
    if (method === "fast-forward" && base !== target) throw new GitFailure("the branch has to be rebased first");
    const squashed = squash
      ? await git.commitTree(
          await git.tree(head),
          base === undefined ? [] : [base],
          request.title,
          authorOf(state.self),
          authorOf(by),
        )
      : head;
    let landed = squashed;
    if (method === "merge") {
      const tree = await git.mergeTree(target, squashed);
      if (tree === undefined) throw new GitFailure("it has conflicts");
      const message = `Merge branch '${request.source}' into '${request.target}'`;
      landed = await git.commitTree(tree, [target, squashed], message, authorOf(by));
    }
    await git.setBranch(request.target, landed);
    request.head = head;
    request.base = base ?? null;
    request.mergeCommit = method === "merge" ? landed : null;
    request.squashCommit = squash ? squashed : null;
    request.state = "merged";
    request.mergedAt = state.now();
    request.mergedBy = by;
    if (request.removeSourceBranch) await git.setBranch(request.source, undefined);
    return landed;
  };

  return {
    createRepository: (name, files) =>
      state.alone(async () => {
        const { git } = await state.createProject(name);
        const actions = Object.entries(files).map(([path, text]) => ({ kind: "create" as const, path, text }));
        return git.commit("main", undefined, `First commit of ${name}`, authorOf("anna"), actions);
      }),
    configure: (name, settings) =>
      state.alone(async () => {
        const project = projectOf(name);
        project.settings = { ...project.settings, ...settings };
      }),
    push: (name, branch, by, message, actions) =>
      state.alone(async () => {
        const { git } = projectOf(name);
        const start = (await git.resolve(`refs/heads/${branch}`)) ?? (await git.resolve("refs/heads/main"));
        return git.commit(branch, start, message, authorOf(by), actions);
      }),
    deleteBranch: (name, branch) =>
      state.alone(async () => {
        const project = projectOf(name);
        for (const request of project.requests) await headOf(project, request);
        await project.git.setBranch(branch, undefined);
      }),
    merge: (name, iid, choice) =>
      state.alone(async () => {
        const project = projectOf(name);
        const request = requestOf(project, iid);
        if (request.state !== "opened") throw new GitFailure(`merge request ${iid} is ${request.state}`);
        return land(project, request, choice);
      }),
    rebase: (name, iid) =>
      state.alone(async () => {
        const project = projectOf(name);
        const request = requestOf(project, iid);
        const target = await targetOf(project, request);
        if (target === undefined) throw new GitFailure("its target is gone");
        const head = await rebased(project, await headOf(project, request), target);
        await project.git.setBranch(request.source, head);
        return head;
      }),
    close: (name, iid) =>
      state.alone(async () => {
        const project = projectOf(name);
        const request = requestOf(project, iid);
        await headOf(project, request);
        request.state = "closed";
      }),
    reopen: (name, iid) =>
      onRequest(name, iid, (request) => {
        request.state = "opened";
      }),
    approve: (name, iid, by) =>
      onRequest(name, iid, ({ approvedBy }) => {
        if (!approvedBy.includes(by)) approvedBy.push(by);
      }),
    setMergeStatus: (name, iid, status) =>
      onRequest(name, iid, (request) => {
        request.mergeStatus = status;
      }),
    setPipeline: (name, iid, status) =>
      onRequest(name, iid, (request) => {
        request.pipeline = status;
      }),
    staleLists: (stale) =>
      state.alone(async () => {
        state.listsAreStale = stale;
        for (const project of state.projects.values()) project.listed = stale ? project.requests.length : undefined;
      }),
    expireToken: (at) =>
      state.alone(async () => {
        state.tokenExpiresAt = at;
      }),
    comments: (name, iid) => state.alone(async () => requestOf(projectOf(name), iid).notes),
  };
}
