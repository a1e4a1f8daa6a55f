/** All clusters of a repository with their Istio releases, who reads what, and what an edit would do to them. Pure. */
import type { Edited, EditSet, FileEdit, Problem, ReadingCluster, RepositoryFile } from "./edit.ts";
import { refused } from "./edit.ts";
import { buildClusters } from "./flux.ts";
import type { IstioRelease } from "./release.ts";
import { istioReleases } from "./releases.ts";
import { Repository } from "./repository.ts";
import type { Splices } from "./splice.ts";
import { itemsAt, type Tree, textsOf } from "./tree.ts";
import type { ClusterBuild } from "./unit.ts";
import { istioImages, type WorkloadImage, workloadOf } from "./workload-images.ts";

export interface FleetCluster {
  readonly cluster: ReadingCluster;
  readonly build: ClusterBuild;
  readonly releases: readonly IstioRelease[];
  /** Of workloads that no chart makes. */
  readonly images: readonly WorkloadImage[];
}

export interface Fleet {
  readonly repository: Repository;
  readonly clusters: readonly FleetCluster[];
}

export function fleetOf(repository: Repository, clusters: readonly ReadingCluster[]): Fleet {
  const builds = buildClusters(repository, clusters);
  return {
    repository,
    clusters: clusters.flatMap((cluster, index) => {
      const build = builds[index];
      if (build === undefined) return [];
      return [{ cluster, build, releases: istioReleases(repository, build), images: istioImages(build.units) }];
    }),
  };
}

export const readFleet = (files: readonly RepositoryFile[], clusters: readonly ReadingCluster[]): Fleet =>
  fleetOf(new Repository(files), clusters);

/** The clusters that are asked for; a problem for each name that is not there. */
export function chosen(
  { clusters }: Fleet,
  targets: readonly string[],
): { readonly clusters: readonly FleetCluster[]; readonly problems: readonly Problem[] } {
  return {
    clusters: clusters.filter(({ cluster }) => targets.includes(cluster.cluster)),
    problems: targets
      .filter((name) => !clusters.some(({ cluster }) => cluster.cluster === name))
      .map((name) => ({
        file: "",
        what: `There is no cluster ${name} in this repository`,
        why: "the registry has none of that name for it",
        fix: "Name clusters as the registry does.",
      })),
  };
}

/** Clusters that read a file, sorted. */
export const readersOf = ({ clusters }: Fleet, path: string): readonly string[] =>
  clusters.flatMap(({ cluster, build }) => (build.reads.has(path) ? [cluster.cluster] : [])).toSorted();

/** Other clusters that would get the edit too. */
function strangers(fleet: Fleet, paths: readonly string[], targets: readonly string[]): readonly Problem[] {
  return paths.flatMap((path) => {
    const others = fleet.clusters.filter(
      ({ cluster, build }) => build.reads.has(path) && !targets.includes(cluster.cluster),
    );
    if (others.length === 0) return [];
    const names = others.map(({ cluster }) => `${cluster.cluster} (${cluster.batch})`);
    const shown = `${names.slice(0, 10).join(", ")}${names.length > 10 ? ` and ${names.length - 10} more` : ""}`;
    return [
      {
        file: path,
        what: "Clusters outside this step read the file too",
        why: `${shown} would move with it`,
        fix: "Move them in one batch, or give each its own version, for example by a variable of Flux.",
      },
    ];
  });
}

/** What a release says that an edit may change. */
type Facts = Readonly<Record<string, string>>;

function factsOf({ component, version, images, hubs, address, values }: IstioRelease): Facts {
  const one = (name: string): string => {
    const found = values?.kind === "map" ? values.entries.get(name) : undefined;
    if (found?.kind === "leaf") return found.value;
    return found === undefined ? "" : JSON.stringify(plain(found));
  };
  return {
    component,
    version: version?.leaf.value ?? "",
    address: address?.leaf.value ?? "",
    revision: one("revision"),
    revisionTags: one("revisionTags"),
    defaultRevision: one("defaultRevision"),
    ...Object.fromEntries([...images, ...hubs].map(({ name, leaf }) => [name, leaf.value])),
  };
}

/** What YAML says, without places. */
export function plain(tree: Tree): unknown {
  if (tree.kind === "leaf") return tree.isNull ? null : tree.value;
  if (tree.kind === "list") return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, value]) => [key, plain(value)]));
}

/** Names that stand for a control plane, as its release lists them. */
export const tagsOf = ({ values }: IstioRelease): readonly string[] => textsOf(itemsAt(values, "revisionTags"));

const keyOf = ({ namespace, name }: IstioRelease): string => `${namespace}/${name}`;

/** All that an edit may change in a cluster, by release and by container. */
const runsOf = ({ releases, images }: Pick<FleetCluster, "releases" | "images">): ReadonlyMap<string, Facts> =>
  new Map([
    ...releases.map((one) => [keyOf(one), factsOf(one)] as const),
    ...images.map((one): readonly [string, Facts] => [
      `${workloadOf(one)}, ${one.name}`,
      { component: one.component, image: one.leaf.value },
    ]),
  ]);

/** A difference in what a cluster runs. */
export interface Effect {
  readonly cluster: string;
  readonly release: string;
  /** undefined: there was, or will be, no such release. */
  readonly before: Facts | undefined;
  readonly after: Facts | undefined;
}

/** What the clusters that read edited files would run otherwise. */
export function effectsOf(fleet: Fleet, edited: Repository, paths: readonly string[]): readonly Effect[] {
  const touched = fleet.clusters.filter(({ build }) => paths.some((path) => build.reads.has(path)));
  const now = fleetOf(
    edited,
    touched.map(({ cluster }) => cluster),
  );
  return touched.flatMap((was, index) => {
    const { cluster } = was;
    const old = runsOf(was);
    const next = runsOf(now.clusters[index] ?? { releases: [], images: [] });
    return [...new Set([...old.keys(), ...next.keys()])].flatMap((release): readonly Effect[] => {
      const [before, after] = [old.get(release), next.get(release)];
      if (JSON.stringify(before) === JSON.stringify(after)) return [];
      return [{ cluster: cluster.cluster, release, before, after }];
    });
  });
}

export const describeEffect = ({ cluster, release, before, after }: Effect): string => {
  if (before === undefined) return `${cluster} would get ${release}`;
  if (after === undefined) return `${cluster} would lose ${release}`;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key],
  );
  return `${release} of ${cluster}: ${keys.map((key) => `${key} ${before[key] ?? "unset"} to ${after[key] ?? "unset"}`).join(", ")}`;
};

/** The edits with their readers, or a refusal: of strangers, and of every effect that `allowed` does not know. */
export function settled(
  fleet: Fleet,
  targets: readonly string[],
  made: { readonly edits: readonly FileEdit[]; readonly problems: readonly Problem[]; readonly repository: Repository },
  allowed: (effect: Effect) => boolean,
): Edited {
  const paths = made.edits.map(({ path }) => path);
  const problems = [...made.problems, ...strangers(fleet, paths, targets)];
  if (problems.length > 0) return refused(problems);
  const unmeant = effectsOf(fleet, made.repository, paths).filter((effect) => !allowed(effect));
  if (unmeant.length > 0)
    return refused(
      unmeant.map((effect) => ({
        file: paths.join(", "),
        what: "The edit would move more than was asked for",
        why: describeEffect(effect),
        fix: "Move all that share the version in one step, or give each its own.",
      })),
    );
  return { kind: "edits", ...withReaders(fleet, made.edits) };
}

export const withReaders = (fleet: Fleet, edits: readonly FileEdit[]): EditSet => ({
  edits,
  readers: Object.fromEntries(edits.map(({ path }) => [path, readersOf(fleet, path)])),
});

export const editsOf = (
  fleet: Fleet,
  targets: readonly string[],
  splices: Splices,
  allowed: (effect: Effect) => boolean,
): Edited => settled(fleet, targets, splices.edits(), allowed);
