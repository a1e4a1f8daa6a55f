/** What Flux applies to a cluster, from the folder that it reads through every Kustomization that this leads to. Pure. */
import { components } from "../rules/evidence.ts";
import type { ReadingCluster } from "./edit.ts";
import { type Build, Kustomize } from "./kustomize.ts";
import { type BuiltObject, describe, isA, kindOf, nameOf, namespaceOf } from "./object.ts";
import { type Repository, resolvePath } from "./repository.ts";
import { substituted } from "./substitute.ts";
import { at, entriesAt, itemsAt, type Leaf, literal, type Tree, textAt, type Variables } from "./tree.ts";
import type { ClusterBuild, Unit } from "./unit.ts";
import { updaters } from "./updaters/updaters.ts";
import { hasIstioImage } from "./workload-images.ts";

const fluxGroup = "kustomize.toolkit.fluxcd.io";
const sourceGroup = "source.toolkit.fluxcd.io";

/** A Kustomization that waits for its turn. */
interface Waiting {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly path: string;
  readonly spec: Tree | undefined;
  readonly file: string;
}

const waitingOf = (object: BuiltObject): Waiting => ({
  key: `${namespaceOf(object) ?? "flux-system"}/${nameOf(object)}`,
  name: nameOf(object),
  namespace: namespaceOf(object) ?? "flux-system",
  path: resolvePath("", textAt(object.tree, "spec", "path") ?? "") ?? "..",
  spec: at(object.tree, ["spec"]),
  file: object.path,
});

const isKustomization = (object: BuiltObject): boolean => isA(object, fluxGroup, "Kustomization");

const kinds = new Set([
  ...updaters.flatMap((updater) => updater.kinds),
  "HelmRelease",
  "HelmChart",
  "HelmRepository",
  "OCIRepository",
  "GitRepository",
  "Kustomization",
  "ConfigMap",
  "Secret",
  "Namespace",
]);

/** What releases of Istio are made of; others keep their variables, so that a fleet's applications cost nothing. */
function isOfInterest(object: BuiltObject): boolean {
  const kind = kindOf(object);
  if (kind !== "HelmRelease") return kinds.has(kind) || hasIstioImage(object);
  const chart = textAt(object.tree, "spec", "chart", "spec", "chart");
  return chart === undefined || chart.includes("${") || components.some((one) => chart.split("/").includes(one));
}

/** A value that is there and cannot be read. */
const hidden = (key: string): Leaf => {
  const leaf = literal(`\${${key}}`);
  return { ...leaf, parts: leaf.parts.map((part) => ({ ...part, via: "substitution" })) };
};

const isEncrypted = ({ value }: Leaf): boolean => value.startsWith("ENC[");

class Walk {
  readonly #kustomize: Kustomize;
  readonly units: Unit[] = [];
  readonly elsewhere: string[] = [];
  #objects: BuiltObject[] = [];
  readonly #seen = new Set<string>();
  /** Key of the source that is this repository, where the walk found out. */
  #ownSource: string | undefined;

  constructor(kustomize: Kustomize) {
    this.#kustomize = kustomize;
  }

  #find(kind: string, namespace: string, name: string): BuiltObject | undefined {
    return this.#objects.find(
      (one) => isA(one, "", kind) && one.names.includes(name) && (namespaceOf(one) ?? namespace) === namespace,
    );
  }

  /** Whether every ConfigMap that it takes variables from is known already. */
  #isReady({ spec, namespace }: Waiting): boolean {
    return itemsAt(spec, "postBuild", "substituteFrom").every(
      (item) =>
        textAt(item, "kind") !== "ConfigMap" ||
        this.#find("ConfigMap", namespace, textAt(item, "name") ?? "") !== undefined,
    );
  }

  #variables({ spec, namespace }: Waiting): Variables {
    const known = new Map<string, Leaf>();
    const unread: string[] = [];
    for (const item of itemsAt(spec, "postBuild", "substituteFrom")) {
      const [kind = "", name = ""] = [textAt(item, "kind"), textAt(item, "name")];
      const found = this.#find(kind, namespace, name);
      if (found === undefined) {
        unread.push(`${kind} ${namespace}/${name}`);
        continue;
      }
      for (const [key, value] of entriesAt(found.tree, "data"))
        if (value.kind === "leaf") known.set(key, kind === "Secret" || isEncrypted(value) ? hidden(key) : value);
      for (const [key, value] of entriesAt(found.tree, "stringData"))
        if (value.kind === "leaf") known.set(key, isEncrypted(value) ? hidden(key) : value);
    }
    for (const [key, value] of entriesAt(spec, "postBuild", "substitute"))
      if (value.kind === "leaf" && !value.isNull) known.set(key, value);
    return { known, unread };
  }

  #isOwn(waiting: Waiting): boolean {
    const { spec } = waiting;
    if ((textAt(spec, "sourceRef", "kind") ?? "GitRepository") !== "GitRepository") return false;
    const key = this.#sourceKey(waiting);
    if (this.#ownSource === undefined || key === this.#ownSource) return true;
    const url = (wanted: string): string | undefined => {
      const found = this.#objects.find(
        (one) =>
          isA(one, sourceGroup, "GitRepository") && `${namespaceOf(one) ?? "flux-system"}/${nameOf(one)}` === wanted,
      );
      return textAt(found?.tree, "spec", "url");
    };
    const own = url(this.#ownSource);
    return own !== undefined && own === url(key);
  }

  #sourceKey({ spec, namespace }: Waiting): string {
    return `${textAt(spec, "sourceRef", "namespace") ?? namespace}/${textAt(spec, "sourceRef", "name") ?? ""}`;
  }

  #add(waiting: Waiting, build: Build): readonly BuiltObject[] {
    const { name, namespace, path, spec, file } = waiting;
    const applied = spec === undefined ? build : this.#kustomize.applied(build, spec, path, file);
    // Its own ConfigMaps may be what its variables come from.
    this.#objects.push(...applied.objects);
    const variables = this.#variables(waiting);
    this.#objects.splice(this.#objects.length - applied.objects.length);
    const objects = applied.objects.map((object) =>
      !isOfInterest(object) ||
      textAt(object.tree, "metadata", "annotations", `${fluxGroup}/substitute`) === "disabled" ||
      textAt(object.tree, "metadata", "labels", `${fluxGroup}/substitute`) === "disabled"
        ? object
        : { ...object, tree: substituted(object.tree, variables) },
    );
    this.#objects.push(...objects);
    this.units.push({
      name,
      namespace,
      dependsOn: itemsAt(spec, "dependsOn").flatMap((item) => textAt(item, "name") ?? []),
      wait: textAt(spec, "wait") === "true",
      objects,
      reads: applied.reads,
      problems: applied.problems,
      doubts: objects.some(isKustomization) ? applied.problems : applied.doubts,
    });
    return objects;
  }

  run({ cluster, path: given }: ReadingCluster): void {
    const path = resolvePath("", given) ?? "..";
    const root = this.#kustomize.build(path, given);
    const self = root.objects
      .filter(isKustomization)
      .map(waitingOf)
      .find((one) => one.path === path);
    if (self !== undefined) this.#ownSource = this.#sourceKey(self);
    const fallback = { key: "", name: cluster, namespace: "flux-system", path, spec: undefined, file: given };
    this.#seen.add(self?.key ?? "");
    let waiting = this.#discover(this.#add(self ?? fallback, root));
    while (waiting.length > 0) {
      const next = waiting.find((one) => this.#isReady(one)) ?? waiting[0];
      if (next === undefined) return;
      waiting = waiting.filter((one) => one !== next);
      waiting.push(...this.#discover(this.#add(next, this.#kustomize.build(next.path, next.file))));
    }
  }

  #discover(objects: readonly BuiltObject[]): Waiting[] {
    const found: Waiting[] = [];
    for (const object of objects.filter(isKustomization)) {
      const waiting = waitingOf(object);
      if (this.#seen.has(waiting.key)) continue;
      this.#seen.add(waiting.key);
      if (this.#isOwn(waiting)) found.push(waiting);
      else this.elsewhere.push(describe(object));
    }
    return found;
  }
}

/** `kustomize` is shared by all clusters of a repository, so that what they have in common is built once. */
export function buildCluster(kustomize: Kustomize, cluster: ReadingCluster): ClusterBuild {
  const walk = new Walk(kustomize);
  walk.run(cluster);
  const reads = new Set<string>();
  for (const unit of walk.units) for (const path of unit.reads) reads.add(path);
  return { cluster: cluster.cluster, units: walk.units, reads, elsewhere: walk.elsewhere };
}

/** All clusters of a repository. */
export const buildClusters = (repository: Repository, clusters: readonly ReadingCluster[]): readonly ClusterBuild[] => {
  const kustomize = new Kustomize(repository);
  return clusters.map((cluster) => buildCluster(kustomize, cluster));
};
