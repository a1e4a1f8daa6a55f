/** A server that answers as GitLab's REST API does, over real bare repositories, with faults that can be set. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { HostedFile } from "../../../automation/ports/git-host.ts";
import type { Hands } from "../../automation/ports/git-host.contract.ts";
import { createFaults, type FaultBox, type SeenRequest } from "./faults.ts";
import { GitFailure, type GitRepository } from "./git.ts";
import { createHands } from "./hands.ts";
import { ApiError, type ApiReply, type ApiRequest, notFound, ok } from "./http.ts";
import { mergeRequestReply } from "./merge-request-routes.ts";
import { repositoryReply } from "./repository-routes.ts";
import { createServerState, type Project, type ServerState } from "./state.ts";

export interface GitLabServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly token: string;
  readonly hands: Hands;
  readonly faults: FaultBox;
  readonly requests: readonly SeenRequest[];
  /** What a branch has, as whoever fetches it sees it; the same array of files for the same commit. */
  fetch(repository: string, branch: string): Promise<Fetched>;
  close(): Promise<void>;
}

export interface Fetched {
  readonly commit: string;
  readonly files: readonly HostedFile[];
}

export interface GitLabServerOptions {
  /** Default glpat-0123456789abcdefghij. */
  readonly token?: string;
  /** For what it says of times; default the machine's. */
  readonly now?: () => number;
  /** Items of a page at most, whatever is asked for; default 100. */
  readonly largestPage?: number;
}

export async function startGitLabServer(options: GitLabServerOptions = {}): Promise<GitLabServer> {
  const { token = "glpat-0123456789abcdefghij", now = Date.now, largestPage = 100 } = options;
  const state = await createServerState(token, now);
  const faults = createFaults(now);
  const requests: SeenRequest[] = [];
  const fetched = new Map<string, Promise<readonly HostedFile[]>>();
  let url = "";

  const answer = async (
    request: ApiRequest,
    parts: readonly string[],
    path: string,
    given: unknown,
  ): Promise<ApiReply> => {
    if (given !== state.token) throw new ApiError(401, "401 Unauthorized");
    if (state.tokenExpiresAt !== undefined && state.tokenExpiresAt <= now())
      return { status: 401, body: { error: "invalid_token", error_description: "Token is expired." } };
    const [kind, id, what, ...rest] = parts;
    if (kind === "user") return ok({ id: 1, username: state.self });
    if (kind === "users") return ok(usersOf(state, request.query));
    if (kind === "personal_access_tokens" && id === "self") return ok({ expires_at: dayOf(state.tokenExpiresAt) });
    if (kind !== "projects") throw notFound("Route");
    const project = projectOf(state, id ?? "");
    const page = { most: largestPage, address: `${url}${path}`, server: url };
    if (what === "repository") return repositoryReply(state, project, rest, request, page);
    if (what === "merge_requests") return mergeRequestReply(state, project, rest, request, page);
    const { approvalsRequired, authorMayApprove, fastForwardOnly } = project.settings;
    if (what === undefined)
      return ok({ id: project.id, path_with_namespace: project.path, merge_method: fastForwardOnly ? "ff" : "merge" });
    if (what === "approvals") return ok({ merge_requests_author_approval: authorMayApprove });
    if (what === "approval_rules")
      return ok(approvalsRequired === 0 ? [] : [{ id: 1, name: "All", approvals_required: approvalsRequired }]);
    throw notFound("Route");
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = new URL(incoming.url ?? "/", "http://server");
    const body = await jsonOf(incoming);
    const seen = { method: incoming.method ?? "", path: incoming.url ?? "", at: now(), body };
    requests.push(seen);
    const { verdict, headers } = faults.judge(seen);
    if (faults.delayMs > 0) await wait(faults.delayMs);
    if (verdict?.kind === "lose" && verdict.when === "before") {
      incoming.socket.destroy();
      return;
    }
    const parts = target.pathname
      .replace(/^\/api\/v4\//, "")
      .split("/")
      .map(decodeURIComponent);
    const request = { method: seen.method, query: target.searchParams, body };
    const reply =
      verdict?.kind === "reply"
        ? verdict.reply
        : await answer(request, parts, target.pathname, incoming.headers["private-token"]).catch(
            (error: unknown): ApiReply => {
              if (error instanceof ApiError) return { status: error.status, body: { message: error.said } };
              throw error;
            },
          );
    if (verdict?.kind === "lose") {
      incoming.socket.destroy();
      return;
    }
    const raw = Buffer.isBuffer(reply.body) || typeof reply.body === "string";
    response.writeHead(reply.status, { "content-type": "application/json", ...headers, ...reply.headers });
    response.end(raw ? reply.body : JSON.stringify(reply.body));
  };

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      // A fault of the server itself: tests see it as one.
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  url = `http://127.0.0.1:${port}`;
  return {
    url,
    token,
    hands: createHands(state),
    faults,
    requests,
    async fetch(repository, branch) {
      const { git } = projectOf(state, repository);
      const commit = await git.resolve(`refs/heads/${branch}`);
      if (commit === undefined) throw new GitFailure(`${repository} has no branch ${branch}`);
      const files = fetched.get(commit) ?? filesOf(git, commit);
      fetched.set(commit, files);
      return { commit, files: await files };
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await state.remove();
    },
  };
}

async function filesOf(git: GitRepository, commit: string): Promise<readonly HostedFile[]> {
  const blobs = (await git.entries(commit)).filter(({ type }) => type === "blob");
  return Promise.all(blobs.map(async ({ id, path }) => ({ path, text: (await git.blob(id)).toString() })));
}

function projectOf(state: ServerState, id: string): Project {
  const project = state.projects.get(id) ?? [...state.projects.values()].find((one) => String(one.id) === id);
  if (project === undefined) throw notFound("Project");
  return project;
}

const dayOf = (at: number | undefined): string | null =>
  at === undefined ? null : new Date(at).toISOString().slice(0, 10);

function usersOf({ users }: ServerState, query: URLSearchParams) {
  const wanted = query.get("username");
  return users
    .map((username, index) => ({ id: index + 1, username }))
    .filter(({ username }) => wanted === null || username === wanted.toLowerCase());
}

async function jsonOf(incoming: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  const text = Buffer.concat(parts).toString();
  return text === "" ? undefined : JSON.parse(text);
}
