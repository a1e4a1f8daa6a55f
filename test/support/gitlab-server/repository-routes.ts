/** Branches, commits, files and archives, as GitLab's API has them. */
import { z } from "zod";
import { type GitCommit, GitFailure } from "./git.ts";
import { ApiError, type ApiReply, type ApiRequest, keyset, notFound, ok, paged } from "./http.ts";
import { authorOf, type Project, type ServerState } from "./state.ts";

const action = z.object({
  action: z.enum(["create", "update", "delete"]),
  file_path: z.string().min(1),
  content: z.string().optional(),
  encoding: z.enum(["text", "base64"]).default("text"),
});
const newCommit = z.object({
  branch: z.string().min(1),
  start_sha: z.string().optional(),
  commit_message: z.string().min(1),
  actions: z.array(action),
});

const shown = ({ id, parents, author, message }: GitCommit) => ({
  id,
  short_id: id.slice(0, 8),
  parent_ids: parents,
  author_name: author.name,
  author_email: author.email,
  title: message.split("\n")[0],
  message,
});

async function needed(project: Project, revision: string, what: string): Promise<string> {
  const id = await project.git.resolve(revision);
  if (id === undefined) throw notFound(what);
  return id;
}

async function create(state: ServerState, { git }: Project, body: unknown): Promise<ApiReply> {
  const parsed = newCommit.safeParse(body);
  if (!parsed.success) throw new ApiError(400, z.prettifyError(parsed.error));
  const { branch, start_sha, commit_message, actions } = parsed.data;
  if ((await git.resolve(`refs/heads/${branch}`)) !== undefined && start_sha !== undefined)
    throw new ApiError(
      400,
      `A branch called '${branch}' already exists. Switch to that branch in order to make changes`,
    );
  const start = await git.resolve(start_sha ?? `refs/heads/${branch}`);
  if (start === undefined) throw new ApiError(400, "You can only create or edit files when you are on a branch");
  const made = actions.map(({ action: kind, file_path: path, content = "", encoding }) => ({
    kind,
    path,
    text:
      encoding === "base64"
        ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(content, "base64"))
        : content,
  }));
  try {
    const id = await git.commit(branch, start, commit_message, authorOf(state.self), made);
    return { status: 201, body: shown(await git.commitOf(id)) };
  } catch (error) {
    if (error instanceof GitFailure) throw new ApiError(400, error.message);
    throw error;
  }
}

/** `rest`: what follows `/repository/`, decoded part by part. */
export async function repositoryReply(
  state: ServerState,
  project: Project,
  rest: readonly string[],
  { method, query, body }: ApiRequest,
  page: { readonly most: number; readonly address: string },
): Promise<ApiReply> {
  const { git } = project;
  const [kind, one, two] = rest;
  if (method === "POST" && kind === "commits" && one === undefined)
    return state.alone(() => create(state, project, body));
  if (method !== "GET") throw new ApiError(405, "405 Method Not Allowed");
  switch (kind) {
    case "branches": {
      if (one === undefined) {
        const names = await git.branches();
        return paged(
          names.map((name) => ({ name })),
          query,
          page.most,
          page.address,
        );
      }
      const id = await needed(project, `refs/heads/${one}`, "Branch");
      return ok({ name: one, commit: shown(await git.commitOf(id)) });
    }
    case "commits":
      return ok(shown(await git.commitOf(await needed(project, one ?? "", "Commit"))));
    case "compare": {
      const [from, to] = await Promise.all(["from", "to"].map((name) => needed(project, query.get(name) ?? "", "Ref")));
      // Newest first in a part of what it documents; nobody may rely on an order.
      const commits = (await git.between(from ?? "", to ?? "")).toReversed();
      return ok({ commits: commits.map(shown), diffs: [] });
    }
    case "merge_base": {
      const refs = query.getAll("refs[]");
      const ids = await Promise.all(refs.map((ref) => git.resolve(ref)));
      const missing = refs.filter((_ref, index) => ids[index] === undefined);
      if (missing.length > 0) throw new ApiError(400, `Could not find ref: ${missing.join(", ")}`);
      const base = await git.mergeBase(ids[0] ?? "", ids[1] ?? "");
      if (base === undefined) throw notFound("Merge Base");
      return ok(shown(await git.commitOf(base)));
    }
    case "archive.tar.gz": {
      const id = await git.resolve(query.get("sha") ?? "HEAD");
      if (id === undefined) throw notFound("File");
      const name = project.path.split("/").at(-1) ?? "";
      return ok(await git.archive(id, `${name}-${id}-${id}`), { "content-type": "application/octet-stream" });
    }
    case "tree": {
      const id = await needed(project, query.get("ref") ?? "HEAD", "Tree");
      const entries = (await git.entries(id)).map((entry) => ({ ...entry, name: entry.path.split("/").at(-1) }));
      return query.get("pagination") === "keyset"
        ? keyset(entries, ({ path }) => path, query, page.most, page.address)
        : paged(entries, query, page.most, page.address);
    }
    case "blobs":
      if (two === "raw") return ok(await git.blob(one ?? ""), { "content-type": "text/plain" });
      break;
    case "files":
      if (two === "raw") {
        const id = await needed(project, query.get("ref") ?? "HEAD", "Commit");
        const entry = (await git.entries(id)).find(({ path, type }) => path === one && type === "blob");
        if (entry === undefined) throw notFound("File");
        return ok(await git.blob(entry.id), { "content-type": "text/plain" });
      }
      break;
  }
  throw notFound("Route");
}
