/** Small repositories as Flux reads them, in the shapes that versions come in. */
import type { Edited, FileEdit, ReadingCluster, RepositoryFile } from "../../../../automation/guard/edit/edit.ts";

export type Texts = Readonly<Record<string, string>>;

export const filesOf = (texts: Texts): readonly RepositoryFile[] =>
  Object.entries(texts).map(([path, text]) => ({ path, text }));

export const cluster = (name: string, path = `clusters/${name}`, batch = "wave-1"): ReadingCluster => ({
  cluster: name,
  batch,
  path,
});

export interface ReleaseText {
  readonly name?: string;
  readonly chart?: string;
  readonly version?: string;
  /** Further lines of `spec`, indented by two. */
  readonly spec?: string;
  readonly api?: string;
}

export const release = ({
  name = "istiod",
  chart = "istiod",
  version = "1.30.5",
  spec = "",
  api = "v2",
}: ReleaseText = {}) =>
  `apiVersion: helm.toolkit.fluxcd.io/${api}
kind: HelmRelease
metadata:
  name: ${name}
  namespace: istio-system
spec:
  interval: 10m
  chart:
    spec:
      chart: ${chart}
      version: ${version}
      sourceRef:
        kind: HelmRepository
        name: istio
${spec}`;

export const helmRepository = (
  url = "https://blob.istio.io/istio-release/charts",
) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: istio
  namespace: istio-system
spec:
  interval: 1h
  url: ${url}
`;

export interface KustomizationText {
  readonly name?: string;
  readonly path: string;
  readonly spec?: string;
}

export const kustomization = ({ name = "istio", path, spec = "" }: KustomizationText) =>
  `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ${name}
  namespace: flux-system
spec:
  interval: 10m
  path: ${path}
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
${spec}`;

/** The files after an edit. Fails where it was refused. */
export function applied(texts: Texts, edited: Edited): Texts {
  if (edited.kind === "refused") throw new Error(JSON.stringify(edited.problems, null, 1));
  return appliedEdits(texts, edited.edits);
}

export function appliedEdits(texts: Texts, edits: readonly FileEdit[]): Texts {
  const result: Record<string, string> = { ...texts };
  for (const { path, after } of edits) {
    if (after === undefined) delete result[path];
    else result[path] = after;
  }
  return result;
}

/** All problems as one text. Fails where nothing was refused. */
export function refusal(edited: Edited): string {
  if (edited.kind === "edits")
    throw new Error(`Not refused: ${JSON.stringify(edited.edits.map(({ changes }) => changes))}`);
  return edited.problems.map(({ file, what, why, fix }) => [file, what, why, fix].join(" | ")).join("\n");
}

/** The lines that differ, as `path: old -> new`. */
export function changedLines(before: Texts, after: Texts): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((path) => {
    const [old, now] = [(before[path] ?? "").split("\n"), (after[path] ?? "").split("\n")];
    if (old.length !== now.length) return [`${path}: ${old.length} lines -> ${now.length}`];
    return old.flatMap((line, index) =>
      line === now[index] ? [] : [`${path}: ${line.trim()} -> ${now[index]?.trim()}`],
    );
  });
}

/** A placeholder of Flux, for example with `v:=1.30.5`. */
export const variable = (inner: string): string => `\${${inner}}`;
