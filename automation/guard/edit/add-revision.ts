/** A control plane of a new revision beside the old one: a copy of its release that differs only in what a revision is. Pure. */
import { Uncuttable } from "./cut.ts";
import { Draft } from "./draft.ts";
import type { Problem } from "./edit.ts";
import { coreOf } from "./edit-versions.ts";
import { type Fleet, type FleetCluster, plain, tagsOf } from "./fleet.ts";
import { isKustomizationFile } from "./kustomize.ts";
import { type BuiltObject, describe, kindOf } from "./object.ts";
import { concernsVersions, type IstioRelease } from "./release.ts";
import { baseName, folderOf, resolvePath } from "./repository.ts";
import { type Revision, sourceOf } from "./revision.ts";
import { at, itemsAt, type Tree, textAt, withAt } from "./tree.ts";
import { readYaml } from "./yaml-text.ts";

/** `1-31-1`: no dots in names of webhooks and labels. */
export const revisionOf = (version: string): string => version.replaceAll(".", "-");

/** `istiod-1-30-5` and `istiod` become `istiod-1-31-1`. */
export const revisedName = (name: string, from: string, to: string): string => {
  const [old, now] = [`-${revisionOf(from)}`, `-${revisionOf(to)}`];
  return name.endsWith(old) ? name.slice(0, -old.length) + now : name + now;
};

/** A copy of one document with changes of its own. */
function copied(revision: Revision, object: BuiltObject, change: (draft: Draft) => void): string {
  const yaml = revision.fleet.repository.yaml(object.path);
  if (yaml === undefined) throw new Uncuttable("there is no such file");
  const text = new Draft(yaml).document(object.document);
  const copy = new Draft(readYaml(object.path, text));
  change(copy);
  return copy.edit()?.after ?? text;
}

function copyRelease(revision: Revision, one: FleetCluster, old: IstioRelease): string {
  const { from, to } = revision;
  const { object } = old;
  const name = (value: string): string => revisedName(value, from, to);
  const source = sourceOf(one, old);
  const release = copied(revision, object, (draft) => {
    const own = revision.fleet.repository.yaml(object.path)?.documents[object.document]?.tree;
    draft.set(0, ["metadata", "name"], name(object.names[0] ?? ""));
    const releaseName = textAt(own, "spec", "releaseName");
    if (releaseName !== undefined) draft.set(0, ["spec", "releaseName"], name(releaseName));
    if (source === undefined) draft.set(0, ["spec", "chart", "spec", "version"], to);
    else draft.set(0, ["spec", "chartRef", "name"], name(source.names[0] ?? ""));
    for (const { name: place, leaf } of old.images)
      draft.set(0, ["spec", "values", ...place.split(".")], leaf.value.replace(from, to));
    draft.set(0, ["spec", "values", "revision"], revisionOf(to));
    if (tagsOf(old).length > 0) draft.clear(0, ["spec", "values", "revisionTags"]);
  });
  if (source === undefined) return release;
  const chart = copied(revision, source, (draft) => {
    draft.set(0, ["metadata", "name"], name(source.names[0] ?? ""));
    draft.set(0, kindOf(source) === "HelmChart" ? ["spec", "version"] : ["spec", "ref", "tag"], to);
  });
  const eol = release.includes("\r\n") ? "\r\n" : "\n";
  const end = (text: string): string => (text.endsWith("\n") ? text : text + eol);
  return end(chart) + (release.startsWith("---") ? "" : `---${eol}`) + release;
}

/** Every kustomization.yaml that names a file lists another one after it. */
function list(revision: Revision, { build }: FleetCluster, path: string, added: string): void {
  const { repository } = revision.fleet;
  for (const file of build.reads) {
    if (!isKustomizationFile(file)) continue;
    const [first] = repository.trees(file).trees;
    for (const key of ["resources", "bases"])
      for (const [index, item] of itemsAt(first?.tree, key).entries()) {
        if (item.kind !== "leaf" || resolvePath(folderOf(file), item.value) !== path) continue;
        const value = item.value.replace(/[^/]*$/, baseName(added));
        revision.change(file, `list ${value}`, (draft) => draft.add(first?.document ?? 0, [key], value, index));
      }
  }
}

export function addRevision(revision: Revision, one: FleetCluster): void {
  const { cluster, releases } = one;
  const { from, to } = revision;
  const wanted = releases.filter(
    ({ component, version }) => component === "istiod" && coreOf(version?.leaf.value ?? "") === to,
  );
  if (wanted.some(({ values }) => textAt(values, "revision") === revisionOf(to))) return;
  const old = revision.plane(releases, from, cluster);
  if (old === undefined) return;
  revision.splices.problems.push(...old.problems);
  const own = revision.own(old.object);
  if (own === undefined) return;
  const name = revisedName(old.object.names[0] ?? "", from, to);
  try {
    const text = copyRelease(revision, one, old);
    const called = `HelmRelease ${old.namespace}/${name}`;
    if (resolvePath("", cluster.path) === own.path) {
      // Flux reads this one file: beside it nothing would be seen.
      revision.change(own.path, `append ${name}`, (draft) => draft.addDocument(own.document, text, called));
      return;
    }
    const folder = folderOf(own.path);
    const path = `${folder === "" ? "" : `${folder}/`}${name}.yaml`;
    revision.create(path, text.replace(/^\uFEFF/, ""), called);
    list(revision, one, own.path, path);
  } catch (error) {
    if (!(error instanceof Uncuttable)) throw error;
    revision.refuse(
      own.path,
      `${describe(old.object)} cannot be copied`,
      error.message,
      "Write it as plain block YAML, without anchors in what changes.",
    );
  }
}

/** All that two revisions of one control plane have to have in common. */
function comparable({ object, values, namespace }: IstioRelease): string {
  let spec: Tree | undefined = at(object.tree, ["spec"]);
  for (const steps of [["releaseName"], ["chart", "spec", "version"], ["chartRef", "name"], ["values"], ["valuesFrom"]])
    if (at(spec, steps) !== undefined) spec = withAt(spec, steps, undefined);
  let rest = values;
  for (const key of ["revision", "revisionTags"])
    if (at(rest, [key]) !== undefined) rest = withAt(rest, [key], undefined);
  const told = (tree: Tree | undefined): unknown => (tree === undefined ? {} : plain(withoutVersions(tree, "")));
  return canonicalText([namespace, told(spec), told(rest)]);
}

/** Values that carry versions do differ. */
function withoutVersions(tree: Tree, path: string): Tree {
  if (tree.kind !== "map") return tree;
  const entries = [...tree.entries].flatMap(([key, inner]) => {
    const here = path === "" ? key : `${path}.${key}`;
    return inner.kind === "leaf" && concernsVersions(here) ? [] : [[key, withoutVersions(inner, here)] as const];
  });
  return { kind: "map", entries: new Map(entries) };
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A new control plane that is not the old one's twin, for example because a patch names only the old. */
export function unlike({ clusters }: Fleet, from: string, to: string): readonly Problem[] {
  return clusters.flatMap(({ releases }) => {
    const of = (version: string) =>
      releases.find((one) => one.component === "istiod" && coreOf(one.version?.leaf.value ?? "") === version);
    const [old, young] = [of(from), of(to)];
    if (old === undefined || young === undefined || comparable(old) === comparable(young)) return [];
    return [
      {
        file: young.object.path,
        what: `${describe(young.object)} would not be what ${describe(old.object)} is`,
        why: "a patch or a variable reaches only one of both, so that their settings differ",
        fix: "Let patches select both, for example by a label, or write the settings in the release.",
      },
    ];
  });
}
