/** What became of our branch and its merge request: as we made it, rebased, edited, closed, or merged, and how. Pure. */
import type { HostedCommit, HostedFile, MergeRequest } from "../../ports/git-host.ts";
import { lineChange } from "./line-change.ts";

export interface OurCommit {
  readonly commit: string;
  /** Commit that the branch began at. */
  readonly base: string;
}

export type MergeMethod = "merge" | "squash" | "fast-forward" | "rebase";

export type BranchState =
  /** Open, as we made it. */
  | { readonly kind: "ours" }
  /** Open, on another base, and it changes what we changed. */
  | { readonly kind: "rebased"; readonly head: string }
  /** Open, and it changes something else. `by`: authors of commits that are not ours; empty where ours was rewritten. */
  | { readonly kind: "edited"; readonly head: string; readonly by: readonly string[] }
  | { readonly kind: "closed" }
  /** The host merges it now. */
  | { readonly kind: "merging" }
  | {
      readonly kind: "merged";
      readonly how: MergeMethod;
      readonly landed: string;
      /** Whether what landed is what we changed. */
      readonly change: "ours" | "edited";
      readonly by: readonly string[];
    };

export interface BranchQuestion {
  readonly ours: OurCommit;
  readonly request: Pick<MergeRequest, "state" | "head" | "landed">;
  /** Our own commit as the host has it. Needed where the head is another. */
  readonly commit?: HostedCommit | undefined;
  /** Commits of the branch that its target does not have, or did not have before it was merged; oldest first. */
  readonly commits: readonly HostedCommit[];
  /** Only merged: the commit that landed. */
  readonly landed?: HostedCommit | undefined;
  /** Only merged: whether our own commit is in what landed. */
  readonly holdsOurs?: boolean | undefined;
  /** Whether the branch (open), or what landed, changes the files as we did. undefined: not looked at, which counts as not. */
  readonly sameChange?: boolean | undefined;
}

/** Ours, though perhaps on another base: a rebase keeps author and message. */
const isOurs = (one: HostedCommit, { ours, commit }: BranchQuestion): boolean =>
  one.id === ours.commit ||
  (commit !== undefined &&
    one.authorEmail === commit.authorEmail &&
    one.message.trimEnd() === commit.message.trimEnd() &&
    one.parents.length === 1);

function strangersOf(question: BranchQuestion): readonly string[] {
  const { landed, commits } = question;
  const merge = landed !== undefined && landed.parents.length > 1 ? landed.id : undefined;
  const strange = commits.filter((one) => one.id !== merge && !isOurs(one, question));
  return [...new Set(strange.map(({ authorName }) => authorName))];
}

function methodOf({ ours, request: { head }, landed, holdsOurs }: BranchQuestion, id: string): MergeMethod {
  if (id === ours.commit) return "fast-forward";
  if (landed !== undefined && landed.parents.length > 1) return "merge";
  if (id !== head) return "squash";
  return holdsOurs === true ? "fast-forward" : "rebase";
}

/** Only ours is on it, and it changes what we changed. */
const isSame = (question: BranchQuestion, strangers: readonly string[]): boolean =>
  question.request.head === question.ours.commit || (question.sameChange === true && strangers.length === 0);

export function branchState(question: BranchQuestion): BranchState {
  const { request, ours } = question;
  const { state, head, landed } = request;
  if (state === "locked") return { kind: "merging" };
  if (state === "closed" || (state === "merged" && landed === undefined)) return { kind: "closed" };
  const strangers = head === ours.commit ? [] : strangersOf(question);
  const same = isSame(question, strangers);
  if (state === "merged" && landed !== undefined)
    return {
      kind: "merged",
      how: methodOf(question, landed),
      landed,
      change: same ? "ours" : "edited",
      by: strangers,
    };
  if (head === ours.commit) return { kind: "ours" };
  return same ? { kind: "rebased", head } : { kind: "edited", head, by: strangers };
}

/** Whether two pairs of commits change the same lines of the same files. Files that Flux does not read as YAML or JSON are not seen. */
export function sameChange(
  ours: { readonly before: readonly HostedFile[]; readonly after: readonly HostedFile[] },
  theirs: { readonly before: readonly HostedFile[]; readonly after: readonly HostedFile[] },
): boolean {
  const [mine, other] = [changed(ours.before, ours.after), changed(theirs.before, theirs.after)];
  if (mine === undefined || other === undefined || mine.size !== other.size) return false;
  return [...mine].every(([path, lines]) => {
    const against = other.get(path);
    return (
      against !== undefined && against.length === lines.length && against.every((line, index) => line === lines[index])
    );
  });
}

/** Per path that differs its lines; a file that goes or comes is told from one that is emptied. */
function changed(
  before: readonly HostedFile[],
  after: readonly HostedFile[],
): ReadonlyMap<string, readonly string[]> | undefined {
  const [old, young] = [before, after].map((files) => new Map(files.map(({ path, text }) => [path, text])));
  const found = new Map<string, readonly string[]>();
  for (const path of new Set([...(old?.keys() ?? []), ...(young?.keys() ?? [])])) {
    const [from, to] = [old?.get(path), young?.get(path)];
    if (from === to) continue;
    const lines = lineChange(from ?? "", to ?? "");
    if (lines === undefined) return undefined;
    found.set(path, [...(from === undefined ? ["created"] : to === undefined ? ["deleted"] : []), ...lines]);
  }
  return found;
}
