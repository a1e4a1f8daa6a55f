/** What comes in from outside: a merged branch of guard's, as GitLab's hook or an event of EventBridge says it. Who sent it is proven elsewhere. Pure. */
import { z } from "zod";

export interface GuardBranch {
  readonly kind: "upgrade" | "rollback";
  readonly version: string;
  readonly batch: string;
}

/** `guard/upgrade-istio-1.31.1-wave-1-0123456789ab`, with or without refs/heads/; undefined for other branches. */
export function readBranch(branch: string): GuardBranch | undefined {
  const found =
    /^(?:refs\/heads\/)?guard\/(upgrade|rollback)-istio-(\d+\.\d+\.\d+)-([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)-[0-9a-f]{12}$/.exec(
      branch,
    );
  if (found === null) return undefined;
  const [, kind, version = "", batch = ""] = found;
  return { kind: kind === "rollback" ? "rollback" : "upgrade", version, batch };
}

export type Incoming =
  | (GuardBranch & { readonly what: "merged"; readonly branch: string; readonly repository: string })
  /** It is fine, and nothing of ours. */
  | { readonly what: "nothing"; readonly why: string }
  | { readonly what: "unreadable"; readonly why: string };

const text = z.string().min(1).max(1_000);

/** As GitLab 17 and 18 send it, of which little is needed. */
const mergeRequestHook = z.looseObject({
  object_kind: z.literal("merge_request"),
  project: z.looseObject({ path_with_namespace: text }),
  object_attributes: z.looseObject({
    source_branch: text,
    state: text,
    action: text.optional(),
    source_project_id: z.number().int().nullish(),
    target_project_id: z.number().int().nullish(),
  }),
});

/** Of a rule that somebody writes for another Git host, or of a person: `{ "repository": "group/project", "branch": "guard/…" }`. */
const mergedBranch = z.looseObject({ repository: text, branch: text });

const envelope = z.looseObject({ "detail-type": text, source: text, detail: z.record(z.string(), z.unknown()) });

export const mergedEventType = "Guard Branch Merged";

/** Of a request's JSON body, a hook or an event. */
export function readIncoming(body: unknown): Incoming {
  const event = envelope.safeParse(body);
  if (!event.success) return readHook(body);
  const { "detail-type": type, detail } = event.data;
  if (detail["object_kind"] !== undefined) return readHook(detail);
  if (type !== mergedEventType) return { what: "nothing", why: `an event of type ${JSON.stringify(type)}` };
  const merged = mergedBranch.safeParse(detail);
  return merged.success
    ? ofBranch(merged.data.branch, merged.data.repository)
    : {
        what: "unreadable",
        why: `the detail of an event ${JSON.stringify(mergedEventType)} has no repository and branch`,
      };
}

const anyHook = z.looseObject({ object_kind: text });

function readHook(body: unknown): Incoming {
  const any = anyHook.safeParse(body);
  if (!any.success) return { what: "unreadable", why: "neither a hook of GitLab nor an event of EventBridge" };
  if (any.data.object_kind !== "merge_request")
    return { what: "nothing", why: `a hook of kind ${JSON.stringify(any.data.object_kind)}` };
  const hook = mergeRequestHook.safeParse(body);
  if (!hook.success) return { what: "unreadable", why: "a hook of a merge request without its branch or state" };
  const { project, object_attributes: request } = hook.data;
  const { source_project_id: from, target_project_id: to } = request;
  // Approvals and edits of a merged one are told as well.
  if (request.state !== "merged" || (request.action !== undefined && request.action !== "merge"))
    return { what: "nothing", why: `a merge request that is ${request.state}, ${request.action ?? "no action"}` };
  // Whoever may open a merge request from a fork gives its branch any name.
  if (from !== undefined && from !== null && from !== to)
    return { what: "nothing", why: "a merge request from a fork" };
  return ofBranch(request.source_branch, project.path_with_namespace);
}

function ofBranch(branch: string, repository: string): Incoming {
  const read = readBranch(branch);
  return read === undefined
    ? { what: "nothing", why: "a branch that is not guard's" }
    : { what: "merged", ...read, branch, repository };
}
