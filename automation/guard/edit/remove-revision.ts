/** The old control plane goes, when nothing in the files names it. Pure. */

import { coreOf } from "./edit-versions.ts";
import { type FleetCluster, tagsOf } from "./fleet.ts";
import { isKustomizationFile } from "./kustomize.ts";
import { injectionOf } from "./namespaces.ts";
import { type BuiltObject, describe, nameOf } from "./object.ts";
import type { IstioRelease } from "./release.ts";
import { isHelmRelease } from "./releases.ts";
import { folderOf, resolvePath } from "./repository.ts";
import { type Revision, sourceOf } from "./revision.ts";
import { at, itemsAt, textAt } from "./tree.ts";

/** Everything in the files that names the old control plane. */
function namesOf({ build, releases }: FleetCluster, old: IstioRelease, plane: IstioRelease): readonly string[] {
  const revision = textAt(old.values, "revision") ?? "";
  const found: string[] = tagsOf(old).map((tag) => `the tag ${tag}`);
  for (const one of releases) {
    if (one.component === "gateway" && (textAt(one.values, "revision") ?? "") === revision)
      found.push(`${describe(one.object)} by its revision`);
    const standard = textAt(one.values, "defaultRevision");
    if (one.component === "base" && (standard ?? "default") === (revision === "" ? "default" : revision))
      found.push(`${describe(one.object)} by defaultRevision`);
  }
  // Without a revision it is the one that `default` and istio-injection mean, unless a tag of that name stands elsewhere.
  const called = revision === "" && !tagsOf(plane).includes("default") ? "default" : revision;
  for (const { object, label, value } of injectionOf(build))
    if (label === "istio.io/rev" ? value === called && called !== "" : called === "default" && value === "enabled")
      found.push(`${describe(object)} by ${label}`);
  return found;
}

/** Takes an object's document away, and the file with its last one. */
function removeObject(revision: Revision, { build }: FleetCluster, object: BuiltObject): void {
  const own = revision.own(object);
  if (own === undefined) return;
  revision.change(own.path, `remove ${own.document}`, (draft) => draft.removeDocument(own.document, describe(object)));
  if (!revision.empties(own.path, own.document)) return;
  const { repository } = revision.fleet;
  for (const file of build.reads) {
    if (!isKustomizationFile(file)) continue;
    const [first] = repository.trees(file).trees;
    for (const key of ["resources", "bases"])
      for (const [index, item] of itemsAt(first?.tree, key).entries())
        if (item.kind === "leaf" && resolvePath(folderOf(file), item.value) === own.path)
          revision.change(file, `unlist ${own.path}`, (draft) => draft.remove(first?.document ?? 0, [key], index));
  }
}

export function removeRevision(revision: Revision, one: FleetCluster): void {
  const { cluster, build, releases } = one;
  const plane = revision.plane(releases, revision.to, cluster);
  const olds = releases.filter(
    ({ component, version }) => component === "istiod" && coreOf(version?.leaf.value ?? "") === revision.from,
  );
  if (plane === undefined || olds.length === 0) return;
  const old = revision.plane(releases, revision.from, cluster);
  if (old === undefined) return;
  const named = namesOf(one, old, plane);
  if (named.length > 0) {
    revision.refuse(
      old.object.path,
      `${describe(old.object)} is still in use`,
      `${named.slice(0, 10).join(", ")}${named.length > 10 ? ` and ${named.length - 10} more` : ""} name it`,
      "Make the steps that move them first.",
    );
    return;
  }
  const objects = build.units.flatMap((unit) => unit.objects);
  for (const object of objects.filter(isHelmRelease))
    if (object !== old.object) revision.dependOn(object, plane, [old]);
  const source = sourceOf(one, old);
  const shared = objects.filter(
    (object) =>
      isHelmRelease(object) &&
      object !== old.object &&
      textAt(at(object.tree, ["spec", "chartRef"]), "name") === nameOf(source ?? old.object),
  );
  removeObject(revision, one, old.object);
  if (source !== undefined && shared.length === 0) removeObject(revision, one, source);
}
