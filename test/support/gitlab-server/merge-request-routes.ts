/** Merge requests, approvals and notes, as GitLab's API has them. */
import { z } from "zod";
import { ApiError, type ApiReply, type ApiRequest, notFound, ok, paged } from "./http.ts";
import { headOf, type Project, type ServerRequest, type ServerState, targetOf } from "./state.ts";

const newRequest = z.object({
  source_branch: z.string(),
  target_branch: z.string(),
  title: z.string().min(1).max(255),
  description: z.string().max(1_048_576).default(""),
  labels: z.string().default(""),
  remove_source_branch: z.boolean().default(false),
  reviewer_ids: z.array(z.number()).default([]),
});
const changedRequest = z.object({
  title: z.string().min(1).max(255).optional(),
  description: z.string().optional(),
  labels: z.string().optional(),
});
const newNote = z.object({ body: z.string().min(1) });

const labelsOf = (text: string): readonly string[] => text.split(",").filter((label) => label !== "");
const user = (username: string) => ({ username, name: username });
const isDraft = ({ title }: ServerRequest): boolean => /^draft:/i.test(title);

async function conflicts(project: Project, request: ServerRequest): Promise<boolean> {
  const target = await targetOf(project, request);
  if (request.state !== "opened" || target === undefined) return false;
  return (await project.git.mergeTree(target, await headOf(project, request))) === undefined;
}

/** In GitLab's order, which hides that a branch is behind while approvals are missing. */
async function statusOf(project: Project, request: ServerRequest, conflicting: boolean): Promise<string> {
  if (request.state !== "opened") return "not_open";
  if (isDraft(request)) return "draft_status";
  if (conflicting) return "conflict";
  if (request.approvedBy.length < project.settings.approvalsRequired) return "not_approved";
  const target = await targetOf(project, request);
  const head = await headOf(project, request);
  if (project.settings.fastForwardOnly && target !== undefined && !(await project.git.isAncestor(target, head)))
    return "need_rebase";
  return "mergeable";
}

/** Only where it is asked for, as GitLab does it. */
async function divergedOf(project: Project, request: ServerRequest): Promise<Readonly<Record<string, number>>> {
  const target = await targetOf(project, request);
  if (target === undefined) return {};
  return { diverged_commits_count: (await project.git.between(await headOf(project, request), target)).length };
}

async function baseOf(project: Project, request: ServerRequest): Promise<string | null> {
  if (request.state === "merged") return request.base;
  const target = await targetOf(project, request);
  return target === undefined ? null : ((await project.git.mergeBase(await headOf(project, request), target)) ?? null);
}

/** The first look after a change only begins the check, as GitLab does it. Lists never check: they say what was found last. */
async function shown(
  project: Project,
  request: ServerRequest,
  address: string,
  lists = false,
): Promise<Readonly<Record<string, unknown>>> {
  const head = lists ? request.head : await headOf(project, request);
  let found = request.found;
  if (!lists) {
    const known = [head, await targetOf(project, request), request.title, request.state].join(" ");
    const fresh = request.checked === known || request.state !== "opened";
    const conflicting = fresh && (await conflicts(project, request));
    const status = fresh
      ? await statusOf(project, request, conflicting)
      : request.checked === ""
        ? "preparing"
        : "checking";
    request.checked = known;
    found = { status, conflicting };
    request.found = found;
  }
  return {
    id: request.id,
    iid: request.iid,
    web_url: `${address}/${project.path}/-/merge_requests/${request.iid}`,
    state: request.state,
    source_branch: request.source,
    target_branch: request.target,
    title: request.title,
    description: request.description,
    draft: isDraft(request),
    labels: request.labels,
    author: user("guard-bot"),
    reviewers: request.reviewers,
    sha: head,
    diff_refs: lists ? null : { base_sha: await baseOf(project, request), head_sha: head },
    merge_commit_sha: request.mergeCommit,
    squash_commit_sha: request.squashCommit,
    merged_at: request.mergedAt === undefined ? null : new Date(request.mergedAt).toISOString(),
    merge_user: request.mergedBy === undefined ? null : user(request.mergedBy),
    detailed_merge_status: request.mergeStatus ?? found.status,
    has_conflicts: found.conflicting,
    head_pipeline: request.pipeline === undefined ? null : { id: 1, status: request.pipeline },
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (!result.success) throw new ApiError(400, { error: z.prettifyError(result.error) });
  return result.data;
}

async function create(state: ServerState, project: Project, body: unknown, address: string): Promise<ApiReply> {
  const asked = parse(newRequest, body);
  const { source_branch: source, target_branch: target } = asked;
  const head = await project.git.resolve(`refs/heads/${source}`);
  if (head === undefined) throw new ApiError(400, [`Source branch "${source}" does not exist`]);
  if ((await project.git.resolve(`refs/heads/${target}`)) === undefined)
    throw new ApiError(400, [`Target branch "${target}" does not exist`]);
  const open = project.requests.find((one) => one.state === "opened" && one.source === source);
  if (open !== undefined)
    throw new ApiError(409, [`Another open merge request already exists for this source branch: !${open.iid}`]);
  const request: ServerRequest = {
    id: 1_000 * project.id + project.requests.length,
    iid: project.requests.length + 1,
    source,
    target,
    title: asked.title,
    description: asked.description,
    labels: labelsOf(asked.labels),
    removeSourceBranch: asked.remove_source_branch,
    reviewers: asked.reviewer_ids,
    createdAt: state.now(),
    state: "opened",
    head,
    base: null,
    mergeCommit: null,
    squashCommit: null,
    mergedAt: undefined,
    mergedBy: undefined,
    mergeStatus: undefined,
    pipeline: undefined,
    checked: "",
    found: { status: "unchecked", conflicting: false },
    approvedBy: [],
    notes: [],
  };
  if (state.listsAreStale) project.listed ??= project.requests.length;
  project.requests.push(request);
  return { status: 201, body: await shown(project, request, address, true) };
}

export async function mergeRequestReply(
  state: ServerState,
  project: Project,
  rest: readonly string[],
  asked: ApiRequest,
  page: { readonly most: number; readonly address: string; readonly server: string },
): Promise<ApiReply> {
  const { method, query, body } = asked;
  const [number, what] = rest;
  if (number === undefined) {
    if (method === "POST") return state.alone(() => create(state, project, body, page.server));
    const [wanted, source] = [query.get("state"), query.get("source_branch")];
    const found = project.requests
      .slice(0, project.listed)
      .filter((one) => (wanted === null || one.state === wanted) && (source === null || one.source === source))
      .toReversed();
    const { items, ...reply } = paged(found, query, page.most, page.address);
    return { ...reply, body: await Promise.all(items.map((one) => shown(project, one, page.server, true))) };
  }
  const request = project.requests[Number(number) - 1];
  if (request === undefined) throw notFound("Not found");
  if (what === "approvals" && method === "GET") {
    const required = project.settings.approvalsRequired;
    return ok({
      approvals_required: required,
      approvals_left: Math.max(0, required - request.approvedBy.length),
      approved_by: request.approvedBy.map((username) => ({ user: user(username) })),
    });
  }
  if (what === "notes" && method === "GET")
    return paged(
      request.notes.map((text, index) => ({ id: index, body: text })),
      query,
      page.most,
      page.address,
    );
  if (what === "notes" && method === "POST") {
    request.notes.push(parse(newNote, body).body);
    return { status: 201, body: { id: request.notes.length } };
  }
  if (what !== undefined) throw notFound("Route");
  if (method === "PUT") {
    const { title, description, labels } = parse(changedRequest, body);
    request.title = title ?? request.title;
    request.description = description ?? request.description;
    request.labels = labels === undefined ? request.labels : labelsOf(labels);
  }
  const diverged = query.get("include_diverged_commits_count") === "true" ? await divergedOf(project, request) : {};
  return ok({ ...(await shown(project, request, page.server)), ...diverged });
}
