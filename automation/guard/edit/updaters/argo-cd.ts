/** Argo CD: an `Application` names a chart and its version by `targetRevision`, and values in three forms. Pure. */
import type { Problem } from "../edit.ts";
import { type BuiltObject, describe, isA, nameOf } from "../object.ts";
import { concernsVersions, lastPart, type Reading } from "../release.ts";
import type { Repository } from "../repository.ts";
import { at, itemsAt, leafAt, type Tree, textAt, withAt } from "../tree.ts";
import { isComponent, isIstioChart, type Updater } from "./updater.ts";

const group = "argoproj.io";

/** Values as Argo CD lays them over each other: the text, or the object, and parameters on top. */
function valuesOf(
  object: BuiltObject,
  source: Tree,
  repository: Repository,
): { readonly values: Tree | undefined; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const refuse = (why: string, fix: string): void => {
    problems.push({ file: object.path, what: `Values of ${describe(object)} cannot be read`, why, fix });
  };
  if (itemsAt(source, "helm", "valueFiles").length > 0 || itemsAt(source, "helm", "fileParameters").length > 0)
    refuse(
      "they come from files beside the chart or of another source",
      "Keep what names images and versions in helm.valuesObject.",
    );
  let values: Tree | undefined;
  const text = leafAt(source, "helm", "values");
  if (text !== undefined) {
    const { trees, problem } = repository.nested(text);
    const [first] = trees;
    if (problem !== undefined) refuse(problem, "Correct the text.");
    else values = first?.tree;
  }
  // Argo CD takes the object instead of the text.
  values = at(source, ["helm", "valuesObject"]) ?? values;
  for (const parameter of itemsAt(source, "helm", "parameters")) {
    const [name, value] = [textAt(parameter, "name") ?? "", leafAt(parameter, "value")];
    if (value !== undefined && concernsVersions(name)) values = withAt(values, name.split("."), value);
  }
  return { values, problems };
}

function template(object: BuiltObject): Problem {
  return {
    file: object.path,
    what: `${describe(object)} makes Applications out of a template`,
    why: "which clusters get what cannot be seen in the files",
    fix: "Write an Application for each cluster, or move the template by hand.",
  };
}

function readingOf(
  object: BuiltObject,
  source: Tree,
  spec: Tree | undefined,
  repository: Repository,
): Reading | undefined {
  const chart = textAt(source, "chart");
  const url = leafAt(source, "repoURL");
  // The chart of an OCI registry may stand in its address.
  const name = lastPart(chart ?? "");
  const address = url?.value ?? "";
  if (!isComponent(name) || !isIstioChart({ name, source: address })) return undefined;
  const leaf = leafAt(source, "targetRevision");
  const { values, problems } = valuesOf(object, source, repository);
  const several = itemsAt(spec, "sources").length > 1;
  return {
    component: name,
    name: textAt(source, "helm", "releaseName") ?? (several ? `${nameOf(object)}-${name}` : nameOf(object)),
    namespace: textAt(spec, "destination", "namespace") ?? "default",
    version: leaf === undefined ? undefined : { name: "targetRevision", leaf, shape: "argo-cd" },
    address: url === undefined ? undefined : { name: "repoURL", leaf: url, shape: "argo-cd" },
    source: address,
    values,
    problems: isA(object, group, "ApplicationSet") ? [template(object), ...problems] : problems,
  };
}

export const argoCd: Updater = {
  by: "argo-cd",
  kinds: ["Application", "ApplicationSet"],
  valuesAt: ["spec", "source", "helm", "valuesObject"],
  read(object, repository) {
    const isSet = isA(object, group, "ApplicationSet");
    if (!isSet && !isA(object, group, "Application")) return [];
    const spec = at(object.tree, isSet ? ["spec", "template", "spec"] : ["spec"]);
    const single = at(spec, ["source"]);
    // Argo CD takes no notice of `source` where there are `sources`.
    const several = itemsAt(spec, "sources");
    const sources = several.length > 0 ? several : single === undefined ? [] : [single];
    return sources.flatMap((source) => readingOf(object, source, spec, repository) ?? []);
  },
};
