/** What ties a merge request to a step of a plan: the name of its branch, and a mark in its description that machines read. Pure. */
import { z } from "zod";
import { canonical } from "../plan/plan.ts";

const mark = z.strictObject({
  kind: z.enum(["upgrade", "rollback"]),
  /** Hash of the plan. */
  plan: z.string().regex(/^[0-9a-f]{12,64}$/),
  /** Index in the hop's merge requests, from 0. */
  step: z.number().int().nonnegative(),
  /** From 1. */
  attempt: z.number().int().positive(),
  /** When the oldest of its checks was made, ms since the epoch. */
  checkedAt: z.number().int().nonnegative(),
  /** How long they hold. */
  validMinutes: z.number().positive(),
  batch: z.string().regex(/^[a-z0-9-]{1,63}$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** That is left. */
  from: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/)
    .optional(),
  /** Of clusters that began after others of the batch had ended: how many those were. */
  cohort: z.number().int().positive().optional(),
  /** What the step moves; clusters of a repository may be at different ones. */
  part: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  /** Where each cluster has a merge request of its own. */
  cluster: z
    .string()
    .regex(/^[a-z0-9-]{1,100}$/)
    .optional(),
});

export type StepMark = z.output<typeof mark>;

/** Hex of a text, at least 12 digits. */
export type Digest = (text: string) => string;

export type BranchOf = Omit<StepMark, "checkedAt" | "validMinutes">;

/**
 * `guard/upgrade-istio-1.30.5-wave-1-0123456789ab`: found again by every process that works on the same step and attempt, and no
 * other's. Errors: RangeError when the digest gives less than 12 hex digits.
 */
export function branchName(repository: string, of: BranchOf, digest: Digest): string {
  const { kind, plan, step, attempt, cluster, from, cohort, part } = of;
  const hash = digest(canonical({ repository, kind, plan, step, attempt, cluster, from, cohort, part })).slice(0, 12);
  if (!/^[0-9a-f]{12}$/.test(hash)) throw new RangeError("the digest gives less than 12 hex digits");
  return `${branchPrefix(of)}${hash}`;
}

/** How all branches for a version in a batch begin, whatever plan and attempt. */
export const branchPrefix = ({ kind, version, batch }: Pick<BranchOf, "kind" | "version" | "batch">): string =>
  `guard/${kind}-istio-${version}-${batch}-`;

/** Branches of guard, in whatever repository. */
export const guardBranches = "guard/";

/** A mark in a description. */
export const markPattern = /<!-- guard-mark (.{1,2000}?) -->/;

/** A comment that nobody sees in the page. No dash of its text stands bare, so that none can end it. */
export function markText(of: StepMark): string {
  return `<!-- guard-mark ${JSON.stringify(mark.parse(of)).replaceAll("-", "\\u002d")} -->`;
}

/** The mark of a description; undefined when there is none, more than one, or one that is not whole. */
export function readMark(description: string): StepMark | undefined {
  const found = [...description.matchAll(new RegExp(markPattern, "g"))];
  const text = found.length === 1 ? found[0]?.[1] : undefined;
  if (text === undefined) return undefined;
  try {
    return mark.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
