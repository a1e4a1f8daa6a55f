/**
 * Opens the merge request of a step, or finds it: branch and merge request have names that follow from plan, step and attempt, so that
 * whoever comes later makes no second one.
 */
import { z } from "zod";
import type { CommitAction, MergeRequest } from "../../ports/git-host.ts";
import type { FileEdit } from "../edit/edit.ts";
import { lookAtBranch } from "../merge-request/branch-look.ts";
import { branchName, type StepMark } from "../merge-request/mark.ts";
import { mergeState } from "../merge-request/merge-state.ts";
import { upgradeText } from "../merge-request/text.ts";
import type { ClusterRecord, MergeRequestMark, RunRecord } from "../registry/record.ts";
import type { Finding } from "../rules/rule.ts";
import { type RunContext, readersOf, recordsOf, together } from "./context.ts";
import type { BatchView } from "./decide.ts";
import { checkedAgain } from "./hold-back.ts";
import * as outcomes from "./outcomes.ts";
import { branchOf, requestsOf, sharedRequest } from "./step.ts";
import { editsOfStep, joined, type StepEdits, stepEdits } from "./step-edits.ts";

export interface Members {
  readonly records: readonly ClusterRecord[];
  readonly first: ClusterRecord & { readonly run: RunRecord };
  readonly repository: string;
}

export function membersOf(view: BatchView, clusters: readonly string[]): Members {
  const records = recordsOf(view, clusters);
  const [first] = records;
  if (first?.run === undefined) throw new RangeError("a merge request needs clusters that run");
  return { records, first: { ...first, run: first.run }, repository: first.entry.gitlabRepo };
}

export const problemText = (problems: readonly { file: string; what: string; why: string; fix: string }[]): string =>
  problems.map(({ file, what, why, fix }) => `${file}: ${what}: ${why}. ${fix}`).join("; ");

export function markOf(context: RunContext, { first, records }: Members, kind: StepMark["kind"], at: number): StepMark {
  const checked = records.map((one) => one.run?.step.checkedAt ?? at);
  return {
    ...branchOf(context, first, kind),
    checkedAt: kind === "rollback" ? at : Math.min(...checked),
    validMinutes: context.settings.validation.checks_valid_minutes,
  };
}

/** The findings that a cluster's checks ended with. */
async function findingsOf(context: RunContext, record: ClusterRecord): Promise<readonly Finding[]> {
  const id = record.run?.step.evidence;
  const text = id === undefined ? undefined : await context.store.document("evidence", id);
  return text === undefined ? [] : storedEvidence.parse(JSON.parse(text)).findings;
}

/** What is kept of a cluster's checks; the evidence itself is for people. */
const storedEvidence = z.object({
  findings: z.array(
    z.object({
      rule: z.string(),
      check: z.string(),
      level: z.enum(["block", "undecided", "warn", "manual"]),
      subject: z.string(),
      evidence: z.string(),
      fix: z.string(),
      link: z.string(),
      missing: z.array(z.string()).optional(),
    }),
  ),
});

interface Request {
  readonly members: Members;
  readonly mark: StepMark;
  readonly branch: string;
  readonly target: string;
  readonly signal: AbortSignal;
  /** Edits on the files of a commit. */
  edits(
    head: string,
  ): Promise<{ readonly kind: "edits"; readonly step: StepEdits } | { readonly kind: "refused"; readonly why: string }>;
  text(edits: StepEdits): Promise<ReturnType<typeof upgradeText>>;
  /** Of one that is there already. */
  found?(there: MergeRequest): Promise<void>;
}

type Kept =
  | ({ readonly kind: "kept" } & KeptEdits)
  | { readonly kind: "nothing"; readonly head: string }
  | { readonly kind: "refused"; readonly why: string };

type Opened =
  | { readonly kind: "open"; readonly mark: MergeRequestMark; readonly edits: string }
  | { readonly kind: "nothing"; readonly head: string }
  | { readonly kind: "refused"; readonly why: string };

export const allOf = ({ crds, rest }: StepEdits): readonly FileEdit[] => joined(crds, rest);

/** The first intention counts: what is kept for a branch is what it holds, whoever makes it in the end. */
const keptEdits = z.object({ base: z.string(), step: stepEdits });

interface KeptEdits {
  readonly base: string;
  readonly step: StepEdits;
}

const editsId = (branch: string): string => branch.replaceAll("/", "-");

export async function readEdits({ store }: RunContext, id: string): Promise<KeptEdits | undefined> {
  const text = await store.document("edits", id);
  return text === undefined ? undefined : keptEdits.parse(JSON.parse(text));
}

/** First what it changes is kept, then the commit, then the merge request; each is looked for before it is made. */
export async function openOrFind(context: RunContext, request: Request): Promise<Opened> {
  const { host } = context;
  const { members, branch, signal } = request;
  const { repository } = members;
  const known = await readEdits(context, editsId(branch));
  const kept: Kept = known === undefined ? await keep(context, request) : { kind: "kept", ...known };
  if (kept.kind !== "kept") return kept;
  const { base, step } = kept;
  const there = await host.findMergeRequest(repository, branch, signal);
  const text = await request.text(step);
  const commit = there === undefined ? await commitOnce(context, request, kept, text.commitMessage) : there.head;
  // The branch may have grown since: ours is the one that begins it.
  const ours = (await host.commitsBetween(repository, base, commit, signal)).find(({ parents }) => parents[0] === base);
  if (ours === undefined)
    return { kind: "refused", why: `the branch ${branch} is there and holds no commit of this step` };
  if (there !== undefined) await request.found?.(there);
  const { iid, url } = there ?? (await create(context, request, text));
  return { kind: "open", mark: { repository, branch, iid, url, base, commit: ours.id }, edits: editsId(branch) };
}

async function keep(context: RunContext, { members, branch, target, signal, edits }: Request): Promise<Kept> {
  const { host, store } = context;
  const head = await host.head(members.repository, target, signal);
  if (head === undefined) return { kind: "refused", why: `${members.repository} has no branch ${target}` };
  const made = await edits(head);
  if (made.kind === "refused") return made;
  if (allOf(made.step).length === 0) return { kind: "nothing", head };
  const mine = { base: head, step: made.step };
  if (await store.keep("edits", editsId(branch), JSON.stringify(mine))) return { kind: "kept", ...mine };
  const theirs = await readEdits(context, editsId(branch));
  if (theirs === undefined) throw new RangeError(`the edits of ${branch} were not kept`);
  return { kind: "kept", ...theirs };
}

/** Head of the branch, which is made when it is not there. */
async function commitOnce(
  { host }: RunContext,
  { members, branch, signal }: Request,
  { base, step }: KeptEdits,
  message: string,
): Promise<string> {
  const there = await host.head(members.repository, branch, signal);
  if (there !== undefined) return there;
  const actions = actionsOf(allOf(step));
  const made = await host.commit(members.repository, { branch, start: base, message, actions }, signal);
  if (made !== "exists") return made.id;
  const theirs = await host.head(members.repository, branch, signal);
  if (theirs === undefined) throw new RangeError(`the branch ${branch} came and went`);
  return theirs;
}

async function create(
  context: RunContext,
  request: Request,
  text: ReturnType<typeof upgradeText>,
): Promise<MergeRequest> {
  const { host, settings } = context;
  const { members, branch: source, target, signal } = request;
  const { labels, reviewers } = settings.gitlab;
  const { title, description } = text;
  const asked = { source, target, title, description, labels, reviewers, removeSourceBranch: true };
  const made = await host.createMergeRequest(members.repository, asked, signal);
  if (made !== "exists") return made;
  const found = await host.findMergeRequest(members.repository, source, signal);
  if (found === undefined) throw new RangeError(`${source} has a merge request that cannot be found`);
  return found;
}

export function actionsOf(edits: readonly FileEdit[]): readonly CommitAction[] {
  return edits.map(({ path, before, after }) => {
    if (after === undefined) return { kind: "delete", path };
    return { kind: before === undefined ? "create" : "update", path, text: after };
  });
}

export async function openUpgrade(
  context: RunContext,
  clusters: readonly string[],
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const members = membersOf(view, clusters);
  const { repository, first } = members;
  const mark = markOf(context, members, "upgrade", view.now);
  const request = sharedRequest(context.plan, members.records);
  if (request === undefined) throw new RangeError("the plan has no such step");
  const opened = await openOrFind(context, {
    members,
    mark,
    branch: branchName(repository, mark, context.digest),
    target: context.settings.gitlab.default_target_branch,
    signal,
    found: (there) =>
      checkedAgain(context, there, { repository, mark, clusters: members.records, all: view.clusters }, signal),
    edits: async (head) => {
      const files = await context.host.files(repository, head, signal);
      const made = editsOfStep(request, first.run, {
        files,
        clusters: readersOf(await context.fleet(), repository),
        targets: clusters,
      });
      return made.kind === "refused" ? { kind: "refused", why: problemText(made.problems) } : made;
    },
    text: async (edits) =>
      upgradeText({
        mark,
        what: request.title,
        steps: requestsOf(context.plan, first.entry.clusterId, first.run).length,
        clusters: await Promise.all(
          members.records.map(async (one) => ({
            cluster: one.entry.clusterId,
            from: first.run.from,
            to: first.run.to,
            findings: await findingsOf(context, one),
          })),
        ),
        files: allOf(edits).map(({ path }) => path),
        dashboards: context.settings.gitlab.dashboards,
        at: view.now,
        draft: context.settings.gitlab.draft,
      }),
  });
  return together(
    members.records.map((one) => {
      if (opened.kind === "refused") return outcomes.afterProblem(one, opened.why);
      if (opened.kind === "nothing") return outcomes.afterNothingToWrite(one, opened.head, view);
      return outcomes.afterOpening(one, opened.mark, opened.edits);
    }),
  );
}

/** What became of the merge request of a step, or of the one that goes back. */
export async function lookAt(
  context: RunContext,
  clusters: readonly string[],
  view: BatchView,
  rollback: boolean,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const { records, repository, first } = membersOf(view, clusters);
  const mark = rollback ? first.run.rollback?.mergeRequest : first.run.step.mergeRequest;
  if (mark === undefined) throw new RangeError("there is no merge request to look at");
  const { request, state } = await lookAtBranch(context.host, repository, mark, mark.iid, signal);
  const looked = await lookedOf(context, repository, request, state, view, signal);
  return together(
    records.map((one) =>
      rollback ? outcomes.afterRollbackLook(one, looked) : outcomes.afterLooking(one, looked, view),
    ),
  );
}

type BranchState = Awaited<ReturnType<typeof lookAtBranch>>["state"];

async function lookedOf(
  { host }: RunContext,
  repository: string,
  request: MergeRequest,
  state: BranchState,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Looked> {
  const people = (by: readonly string[]): string => (by.length === 0 ? "somebody" : by.join(", "));
  switch (state.kind) {
    case "closed":
      return { kind: "closed" };
    case "edited":
      return { kind: "changed", how: `its branch was changed by ${people(state.by)}: close it and try again` };
    case "merged":
      if (state.change === "edited")
        return {
          kind: "changed",
          how: `it was merged with changes by ${people(state.by)}: what landed is not what was checked`,
        };
      return { kind: "merged", landed: state.landed, mergedAt: request.mergedAt ?? view.now };
    case "merging":
      return { kind: "open", waitsFor: "is being merged" };
    case "ours":
    case "rebased": {
      const approvals = await host.approvals(repository, request.iid, signal);
      const { rebaseFirst } = await host.facts(repository, signal);
      const { text, who } = mergeState({ request, approvals, rebaseFirst });
      return { kind: "open", waitsFor: `waits for ${who === "git-host" ? "GitLab" : who}: ${text}` };
    }
  }
}
