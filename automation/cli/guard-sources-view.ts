/** Places on Istio's retired hosts as people read them. */
import type { SourceUse } from "../guard/edit/sources.ts";
import { plural } from "./text.ts";

export interface SourcesFound {
  /** On this machine, or a repository. */
  readonly folder: string;
  /** Files that were looked at. */
  readonly files: number;
  readonly uses: readonly SourceUse[];
  /** Files that could not be read, with why. */
  readonly unreadable: readonly { readonly path: string; readonly why: string }[];
  /** That moves them. */
  readonly mergeRequest?: string;
}

export function describeSources({ folder, files, uses, unreadable, mergeRequest }: SourcesFound): readonly string[] {
  const lines = unreadable.map(({ path, why }) => `Not read: ${path}: ${why}`);
  if (uses.length === 0)
    return [...lines, `Nothing in the ${plural(files, "file")} of ${folder} names a retired host of Istio.`];
  for (const { path, line, kind, value, replacement } of uses)
    lines.push(
      `${path}:${line}  ${kind}`,
      `  ${value}`,
      `  ${replacement === undefined ? "a person has to look: nothing says where this went" : `becomes ${replacement}`}`,
    );
  const places = `${plural(uses.length, "place")} in ${plural(new Set(uses.map(({ path }) => path)).size, "file")}`;
  return [
    ...lines,
    "",
    `${places} of ${files} name hosts that Istio has retired: from 1.31 on nothing new is there.`,
    ...(mergeRequest === undefined ? [] : [`Moved when somebody merges ${mergeRequest}`]),
  ];
}
