/** GitLab by its REST API. What a lost reply did is looked for before anything is asked for again. */
import {
  Branches,
  Commits,
  MergeRequestApprovals,
  MergeRequestNotes,
  MergeRequests,
  PersonalAccessTokens,
  Projects,
  Repositories,
  RepositoryFiles,
  Users,
} from "@gitbeaker/rest";
import type { z } from "zod";
import type { GitHost, HostedFile, MergeRequest, NewCommit, NewMergeRequest } from "../ports/git-host.ts";
import { archiveReader, textOf } from "./gitlab-files.ts";
import {
  approvalRulesReply,
  approvalSettingsReply,
  approvalsOf,
  approvalsReply,
  branchReply,
  commitsOf,
  compareReply,
  createdCommitReply,
  idReply,
  mergeRequestListReply,
  mergeRequestOf,
  mergeRequestReply,
  notesReply,
  projectReply,
  tokenReply,
  userReply,
  usersReply,
} from "./gitlab-replies.ts";
import { createGitLabRequests, type GitLabOptions, GitLabRefusal, LostReply } from "./gitlab-requests.ts";

const owners = ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/** How often what is lost is looked for and asked for again. */
const attempts = 4;
const page = { perPage: 100 } as const;

/** Errors: credentials-over-http. */
export function createGitLab(options: GitLabOptions): GitHost {
  const { description, error, request } = createGitLabRequests(options);
  const userIds = new Map<string, number>();
  let self: string | undefined;

  const api = (signal: AbortSignal | undefined) => {
    const requesterFn = ({ url }: { readonly url: string }) => {
      const prefix = /\/api\/v4\/(.*)$/.exec(url)?.[1] ?? "";
      const ask =
        (method: Parameters<typeof request>[0]) =>
        async (endpoint: string, asked?: Parameters<typeof request>[2]): Promise<never> =>
          // Every answer goes through a schema before it is used; what gitbeaker declares of it is not relied on.
          (await request(method, prefix === "" ? endpoint : `${prefix}/${endpoint}`, asked, signal)) as never;
      return { get: ask("get"), post: ask("post"), put: ask("put"), patch: ask("patch"), delete: ask("delete") };
    };
    const common = { host: options.url.replace(/\/$/, ""), token: "-", queryTimeout: null, requesterFn };
    return {
      branches: new Branches(common),
      commits: new Commits(common),
      requests: new MergeRequests(common),
      approvals: new MergeRequestApprovals(common),
      notes: new MergeRequestNotes(common),
      repositories: new Repositories(common),
      files: new RepositoryFiles(common),
      projects: new Projects(common),
      users: new Users(common),
      tokens: new PersonalAccessTokens(common),
    };
  };
  type Api = ReturnType<typeof api>;

  const parsed = <Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw error(
      "git-host-rejected",
      `${what}: its answer is not understood (${issue?.path.join(".")}: ${issue?.message})`,
    );
  };

  /** Errors of the catalogue for what the requests could not do. */
  const call = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof LostReply) throw error("git-host-unreachable", `${what}: ${thrown.message}`, thrown.cause);
      if (thrown instanceof GitLabRefusal)
        throw error(
          thrown.status === 404 ? "git-host-not-found" : "git-host-rejected",
          `${what}: ${thrown.status} ${thrown.message}`,
        );
      throw thrown;
    }
  };

  /** undefined for 404, where that is an answer. */
  const unless404 = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof GitLabRefusal && thrown.status === 404) return undefined;
      throw thrown;
    }
  };

  const headOf = async ({ branches }: Api, repository: string, branch: string): Promise<string | undefined> => {
    try {
      return parsed(branchReply, await branches.show(repository, branch), branch).commit.id;
    } catch (thrown) {
      if (thrown instanceof GitLabRefusal && thrown.status === 404 && !/project/i.test(thrown.message))
        return undefined;
      throw thrown;
    }
  };

  const readMergeRequest = async (on: Api, repository: string, iid: number): Promise<MergeRequest> => {
    const shown = await on.requests.show(repository, iid, { includeDivergedCommitsCount: true });
    const reply = parsed(mergeRequestReply, shown, `merge request ${iid}`);
    const head = reply.sha ?? (await headOf(on, repository, reply.source_branch));
    return mergeRequestOf(reply, head ?? "");
  };

  /** Newest first. */
  const listed = async ({ requests }: Api, repository: string, asked: { state?: "opened"; sourceBranch?: string }) =>
    parsed(
      mergeRequestListReply,
      await requests.all({
        projectId: repository,
        ...asked,
        orderBy: "created_at",
        sort: "desc",
        scope: "all",
        ...page,
      }),
      "merge requests",
    );

  const openOne = async (on: Api, repository: string, source: string): Promise<MergeRequest | undefined> => {
    for (const { iid, source_branch } of await listed(on, repository, { state: "opened", sourceBranch: source })) {
      const found = source_branch === source ? await readMergeRequest(on, repository, iid) : undefined;
      if (found?.state === "opened") return found;
    }
    return undefined;
  };

  const files = archiveReader({
    archive: (repository, sha, signal) => api(signal).repositories.showArchive(repository, { fileType: "tar.gz", sha }),
    raw: (repository, path, ref, signal) => unless404(() => api(signal).files.showRaw(repository, path, ref)),
    tree: (repository, ref, signal) =>
      api(signal).repositories.allRepositoryTrees(repository, { ref, recursive: true, pagination: "keyset", ...page }),
    blob: (repository, id, signal) => api(signal).repositories.showBlobRaw(repository, id),
    error: (why, cause) => error("git-host-rejected", why, cause),
  });

  /** What is on a branch, if it is exactly what we asked for. */
  const isOurs = async ({ commits }: Api, repository: string, id: string, { start, message }: NewCommit) => {
    const found = parsed(createdCommitReply, await commits.show(repository, id), `commit ${id}`);
    const same = found.message?.trimEnd() === message.trimEnd();
    return same && found.parent_ids?.length === 1 && found.parent_ids[0] === start;
  };

  const commit = async (on: Api, repository: string, asked: NewCommit): Promise<{ readonly id: string } | "exists"> => {
    const { branch, start, message, actions } = asked;
    let lost: LostReply | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      try {
        const made = await on.commits.create(
          repository,
          branch,
          message,
          actions.map(({ kind, path, text }) => ({
            action: kind,
            filePath: path,
            // To the byte, whatever GitLab does to line ends of texts.
            ...(kind === "delete" ? {} : { content: Buffer.from(text ?? "").toString("base64"), encoding: "base64" }),
          })),
          { startSha: start },
        );
        return { id: parsed(createdCommitReply, made, "commit").id };
      } catch (thrown) {
        if (!(thrown instanceof LostReply || thrown instanceof GitLabRefusal)) throw thrown;
        const head = await headOf(on, repository, branch);
        if (head !== undefined)
          return lost !== undefined || thrown instanceof LostReply
            ? (await isOurs(on, repository, head, asked))
              ? { id: head }
              : "exists"
            : "exists";
        if (thrown instanceof GitLabRefusal) {
          // Of a commit that is not there GitLab says only that the request is wrong.
          await on.commits.show(repository, start);
          throw thrown;
        }
        lost = thrown;
      }
    }
    throw lost ?? new LostReply("no answer", undefined);
  };

  const idOf = async ({ users }: Api, username: string): Promise<number> => {
    const known =
      userIds.get(username) ??
      parsed(usersReply, await users.all({ username }), "users").find(
        (one) => one.username.toLowerCase() === username.toLowerCase(),
      )?.id;
    if (known === undefined) throw error("git-host-not-found", `there is no user ${username} to review`);
    userIds.set(username, known);
    return known;
  };

  const createMergeRequest = async (
    on: Api,
    repository: string,
    asked: NewMergeRequest,
  ): Promise<MergeRequest | "exists"> => {
    const { source, target, title, description: text, labels, reviewers, removeSourceBranch } = asked;
    const reviewerIds: number[] = [];
    for (const reviewer of reviewers) reviewerIds.push(await idOf(on, reviewer));
    let lost: LostReply | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      try {
        const made = await on.requests.create(repository, source, target, title, {
          description: text,
          labels: labels.join(","),
          removeSourceBranch,
          ...(reviewerIds.length === 0 ? {} : { reviewerIds }),
        });
        const reply = parsed(mergeRequestReply, made, "merge request");
        return mergeRequestOf(reply, reply.sha ?? (await headOf(on, repository, source)) ?? "");
      } catch (thrown) {
        const conflict = thrown instanceof GitLabRefusal && thrown.status === 409;
        if (!conflict && !(thrown instanceof LostReply)) throw thrown;
        if (conflict && lost === undefined) return "exists";
        // A list may not have it yet; the refusal names it.
        const iid = conflict ? /!(\d+)/.exec(thrown.message)?.[1] : undefined;
        const found =
          iid === undefined
            ? await openOne(on, repository, source)
            : await readMergeRequest(on, repository, Number(iid));
        if (found !== undefined) return found.title === title && found.description === text ? found : "exists";
        if (conflict) return "exists";
        lost = thrown instanceof LostReply ? thrown : lost;
      }
    }
    throw lost ?? new LostReply("no answer", undefined);
  };

  const comment = async ({ notes }: Api, repository: string, iid: number, marker: string, text: string) => {
    const mark = `<!-- ${marker} -->`;
    for (let attempt = 0; ; attempt += 1) {
      const known = parsed(notesReply, await notes.all(repository, iid, page), "comments");
      if (known.some(({ body }) => body.includes(mark))) return;
      try {
        await notes.create(repository, iid, `${text}\n\n${mark}`);
        return;
      } catch (thrown) {
        if (!(thrown instanceof LostReply) || attempt + 1 >= attempts) throw thrown;
      }
    }
  };

  const contains = async ({ repositories }: Api, repository: string, id: string, ancestor: string) => {
    try {
      return parsed(idReply, await repositories.mergeBase(repository, [id, ancestor]), "merge base").id === ancestor;
    } catch (thrown) {
      if (!(thrown instanceof GitLabRefusal)) throw thrown;
      if (/could not find/i.test(thrown.message)) throw error("git-host-not-found", thrown.message);
      // Histories that share nothing.
      if (thrown.status === 404 && /merge base/i.test(thrown.message)) return false;
      throw thrown;
    }
  };

  const codeOwnersOf = async ({ files: on }: Api, repository: string): Promise<string | undefined> => {
    for (const path of owners) {
      const found = await unless404(() => on.showRaw(repository, path, "HEAD"));
      if (found !== undefined) return textOf(found);
    }
    return undefined;
  };

  const facts: GitHost["facts"] = (repository, signal) =>
    call(`facts of ${repository}`, async () => {
      const on = api(signal);
      self ??= parsed(userReply, await on.users.showCurrentUser(), "user").username;
      // Absent where approvals are not a feature: then nobody can require them, and authors may.
      const settings = await unless404(() => on.approvals.showConfiguration(repository));
      const rules = await unless404(() => on.approvals.allApprovalRules(repository));
      const known = await unless404(() => on.tokens.show());
      const project = await unless404(() => on.projects.show(repository));
      const method = project === undefined ? undefined : parsed(projectReply, project, "project").merge_method;
      const ends = known === undefined ? undefined : parsed(tokenReply, known, "token").expires_at;
      // A repository that is not there looks like one without approvals.
      if (settings === undefined && rules === undefined) await on.branches.all(repository, { perPage: 1, maxPages: 1 });
      const required = rules === undefined ? [] : parsed(approvalRulesReply, rules, "approval rules");
      const authors = settings === undefined ? undefined : parsed(approvalSettingsReply, settings, "approvals");
      return {
        approvalsRequired: Math.max(0, ...required.map((rule) => rule.approvals_required)),
        authorMayApprove: authors?.merge_requests_author_approval ?? true,
        // Fast-forward only, and a merge commit over a linear history.
        rebaseFirst: method === "ff" || method === "rebase_merge",
        codeOwners: await codeOwnersOf(on, repository),
        tokenExpiresAt: ends === undefined || ends === null ? undefined : Date.parse(`${ends}T00:00:00Z`),
        self,
      };
    });

  return {
    description,
    head: (repository, branch, signal) =>
      call(`head of ${branch} in ${repository}`, () => headOf(api(signal), repository, branch)),
    files: (repository, id, signal): Promise<readonly HostedFile[]> =>
      call(`files of ${repository} at ${id}`, () => files(repository, id, signal)),
    commit: (repository, asked, signal) =>
      call(`commit on ${asked.branch} in ${repository}`, () => commit(api(signal), repository, asked)),
    commitsBetween: (repository, base, head, signal) =>
      call(`commits of ${repository} from ${base} to ${head}`, async () =>
        commitsOf(parsed(compareReply, await api(signal).repositories.compare(repository, base, head), "comparison")),
      ),
    findMergeRequest: (repository, source, signal) =>
      call(`merge request of ${source} in ${repository}`, async () => {
        const on = api(signal);
        const [newest] = await listed(on, repository, { sourceBranch: source });
        return newest === undefined ? undefined : readMergeRequest(on, repository, newest.iid);
      }),
    openMergeRequests: (repository, prefix, signal) =>
      call(`open merge requests of ${repository}`, async () => {
        const on = api(signal);
        const found: MergeRequest[] = [];
        for (const { iid, source_branch } of await listed(on, repository, { state: "opened" })) {
          const one = source_branch.startsWith(prefix) ? await readMergeRequest(on, repository, iid) : undefined;
          if (one?.state === "opened") found.push(one);
        }
        return found;
      }),
    createMergeRequest: (repository, asked, signal) =>
      call(`merge request of ${asked.source} in ${repository}`, () =>
        createMergeRequest(api(signal), repository, asked),
      ),
    mergeRequest: (repository, iid, signal) =>
      call(`merge request ${iid} of ${repository}`, () => readMergeRequest(api(signal), repository, iid)),
    approvals: (repository, iid, signal) =>
      call(`approvals of merge request ${iid} of ${repository}`, async () =>
        approvalsOf(
          parsed(
            approvalsReply,
            await api(signal).approvals.showConfiguration(repository, { mergerequestIId: iid }),
            "approvals",
          ),
        ),
      ),
    updateMergeRequest: (repository, iid, { title, description: text, labels }, signal) =>
      call(`merge request ${iid} of ${repository}`, async () => {
        await api(signal).requests.edit(repository, iid, {
          ...(title === undefined ? {} : { title }),
          ...(text === undefined ? {} : { description: text }),
          ...(labels === undefined ? {} : { labels: labels.join(",") }),
        });
      }),
    comment: (repository, iid, marker, text, signal) =>
      call(`comment on merge request ${iid} of ${repository}`, () =>
        comment(api(signal), repository, iid, marker, text),
      ),
    contains: (repository, id, ancestor, signal) =>
      call(`history of ${repository}`, () => contains(api(signal), repository, id, ancestor)),
    facts,
  };
}
