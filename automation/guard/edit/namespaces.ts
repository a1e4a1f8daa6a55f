/** Labels of namespaces that choose their control plane, where they live in Git. Pure. */
import { type Edited, type ReadingCluster, type RepositoryFile, refused } from "./edit.ts";
import { chosen, fleetOf, readFleet, settled } from "./fleet.ts";
import { type BuiltObject, isA, nameOf } from "./object.ts";
import { Splices } from "./splice.ts";
import { type Leaf, leafAt, type Place } from "./tree.ts";
import type { ClusterBuild } from "./unit.ts";

const labels = ["istio.io/rev", "istio-injection"] as const;
type Label = (typeof labels)[number];

interface Injection {
  readonly object: BuiltObject;
  readonly label: Label;
  readonly value: string;
  readonly leaf: Leaf;
}

export const injectionOf = (build: ClusterBuild): readonly Injection[] =>
  build.units
    .flatMap(({ objects }) => objects.filter((object) => isA(object, "", "Namespace")))
    .flatMap((object) =>
      labels.flatMap((label) => {
        const leaf = leafAt(object.tree, "metadata", "labels", label);
        return leaf === undefined ? [] : [{ object, label, value: leaf.value, leaf }];
      }),
    );

export interface NamespaceLabel {
  readonly cluster: string;
  readonly namespace: string;
  readonly label: Label;
  readonly value: string;
  /** undefined: it comes from where nobody can read. */
  readonly home: Place | undefined;
}

/** Namespaces of each cluster whose labels are in these files; those of others are set in the cluster itself. */
export function namespaceLabels(
  files: readonly RepositoryFile[],
  clusters: readonly ReadingCluster[],
): readonly NamespaceLabel[] {
  return readFleet(files, clusters).clusters.flatMap(({ cluster, build }) =>
    injectionOf(build).map(({ object, label, value, leaf }) => ({
      cluster: cluster.cluster,
      namespace: nameOf(object),
      label,
      value,
      home: leaf.parts.length === 1 ? leaf.parts[0]?.place : undefined,
    })),
  );
}

export interface Relabelling {
  readonly files: readonly RepositoryFile[];
  readonly clusters: readonly ReadingCluster[];
  /** Ids of the clusters whose namespaces move. */
  readonly targets: readonly string[];
  readonly namespaces: readonly string[];
  /** Values of istio.io/rev: revisions or tags. */
  readonly from: string;
  readonly to: string;
}

/** Moves the label istio.io/rev of namespaces. What is at `to` already stays. */
export function relabelNamespaces({ files, clusters, targets, namespaces, from, to }: Relabelling): Edited {
  const fleet = readFleet(files, clusters);
  const { clusters: moving, problems } = chosen(fleet, targets);
  const splices = new Splices(fleet.repository);
  splices.problems.push(...problems);
  for (const { cluster, build } of moving) {
    const found = injectionOf(build).filter(({ object }) => namespaces.includes(nameOf(object)));
    for (const name of namespaces) {
      const own = found.filter(({ object }) => nameOf(object) === name);
      const revision = own.find(({ label }) => label === "istio.io/rev");
      const file = own[0]?.object.path ?? cluster.path;
      const what = `istio.io/rev of namespace ${name} in ${cluster.cluster}`;
      if (own.length > 1)
        splices.problems.push({
          file,
          what: `The ${what} is not what decides`,
          why: "istio-injection stands beside it, and goes before it",
          fix: "Take istio-injection away first, by a merge request of its own.",
        });
      else if (revision === undefined)
        splices.problems.push({
          file,
          what: `There is no ${what} in these files`,
          why:
            own.length === 0
              ? "no Namespace with such a label was found"
              : "it uses istio-injection, which follows the tag default",
          fix: own.length === 0 ? "Move the label in the cluster, or keep it in Git." : "Move the tag default instead.",
        });
      else if (revision.value === to) continue;
      else if (revision.value !== from)
        splices.problems.push({
          file,
          what: `The ${what} is at neither end of the step`,
          why: `it says ${revision.value}; the step goes from ${from} to ${to}`,
          fix: "Leave the namespace out, or plan from what is there.",
        });
      else splices.replace(revision.leaf, 0, from, to, `The ${what} cannot be moved`);
    }
  }
  const made = splices.edits();
  const edited = settled(fleet, targets, made, () => false);
  if (edited.kind === "refused") return edited;
  // A variable or an anchor may carry other namespaces along.
  const stray = moving.flatMap((one) => {
    const [after] = fleetOf(made.repository, [one.cluster]).clusters;
    const now = after === undefined ? [] : injectionOf(after.build);
    return injectionOf(one.build).flatMap(({ object, value }, index) =>
      now[index]?.value === value || namespaces.includes(nameOf(object))
        ? []
        : [{ object, cluster: one.cluster.cluster }],
    );
  });
  return stray.length === 0
    ? edited
    : refused(
        stray.map(({ object, cluster }) => ({
          file: object.path,
          what: "The edit would move more than was asked for",
          why: `namespace ${nameOf(object)} of ${cluster} would move too`,
          fix: "Give each namespace a label of its own.",
        })),
      );
}
