import type { SituationFile } from "../../../../automation/guard/rules/evidence.ts";

/** An upgrade that must not begin. */
export interface BadCase {
  readonly name: string;
  /** Exactly these block. */
  readonly blockedBy: readonly string[];
  readonly situation: SituationFile;
  /** Where it happened or is described. */
  readonly source?: string;
}

export const eleven = { from: "1.28.6", to: "1.29.8", final: false } as const;
export const revised = { strategy: "revision" } as const;

export const bad = (blockedBy: string, name: string, situation: SituationFile, source?: string): BadCase => ({
  name,
  blockedBy: blockedBy.split(", "),
  situation,
  ...(source === undefined ? {} : { source }),
});
