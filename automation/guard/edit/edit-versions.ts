/** Moves components of clusters to another version where they stand. Pure. */

import { isFloating, parseVersion } from "../plan/versions.ts";
import type { Component } from "../rules/evidence.ts";
import { type Edited, type Problem, type ReadingCluster, type RepositoryFile, refused } from "./edit.ts";
import { chosen, type Effect, editsOf, type FleetCluster, readFleet } from "./fleet.ts";
import { automerges } from "./moved-by.ts";
import { describe } from "./object.ts";
import type { Field, IstioRelease } from "./release.ts";
import { Splices } from "./splice.ts";

export interface VersionEdit {
  readonly files: readonly RepositoryFile[];
  readonly clusters: readonly ReadingCluster[];
  /** Ids of the clusters that move. */
  readonly targets: readonly string[];
  readonly components: readonly Component[];
  /** Whole versions, for example 1.30.5; what is at `to` already stays. */
  readonly from: string;
  readonly to: string;
}

/** A version with what may stand around it: `v`, an image's name, a variant. */
const written = /^((?:.*:)?v?)(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.\d]*)?)((?:-(?:distroless|debug))?)$/s;

/** The version without what stands around it; undefined when there is none. */
export const coreOf = (text: string): string | undefined => written.exec(text)?.[2];

/** Why a release's version is not moved; undefined when it may be. */
function hindrance(
  { leaf, shape }: Pick<Field, "leaf" | "shape">,
  core: string | undefined,
): Pick<Problem, "why" | "fix"> | undefined {
  // What kustomize puts between a name and a tag stands nowhere either.
  if (leaf.parts.some(({ place, via }) => place === undefined && via !== "images"))
    return {
      why: "it comes from a Secret, or from a source that is not in this repository",
      fix: "Write the version in a place of this repository that is not secret.",
    };
  if (leaf.value.startsWith("ENC["))
    return { why: "SOPS has encrypted it", fix: "Leave versions out of encrypted_regex, and try again." };
  if (leaf.value.includes("@sha256:"))
    return { why: `${leaf.value} is pinned by digest`, fix: "Pin the image by its tag." };
  if (shape !== "values" && isFloating(leaf.value))
    return {
      why: `"${leaf.value}" is no whole version: somebody else chooses`,
      fix: "Pin the version that runs now, by a merge request of its own.",
    };
  if (core === undefined)
    return { why: `"${leaf.value}" is no version`, fix: "Write the whole version, or take the value away." };
  return undefined;
}

/** Plans one field of a release or a workload. */
export function moveField(
  splices: Splices,
  { object }: Pick<IstioRelease, "object">,
  field: Pick<Field, "name" | "leaf" | "shape">,
  from: string,
  to: string,
): void {
  const what = `${field.name} of ${describe(object)}`;
  const file = field.leaf.parts.find(({ place }) => place !== undefined)?.place?.path ?? object.path;
  const [, before = "", core] = written.exec(field.leaf.value) ?? [];
  const hindered = hindrance(field, core);
  if (hindered !== undefined) splices.problems.push({ file, what: `The ${what} cannot be moved`, ...hindered });
  else if (core === to) return;
  else if (core === undefined || core !== from)
    splices.problems.push({
      file,
      what: `The ${what} is at neither end of the step`,
      why: `it says ${field.leaf.value}; the step goes from ${from} to ${to}`,
      fix: "Bring it to one of both first, or plan from what is there.",
    });
  else splices.replace(field.leaf, before.length, from, to, `The ${what} cannot be moved`);
}

export function moveRelease(splices: Splices, release: IstioRelease, from: string, to: string): void {
  const { version, object, images, problems } = release;
  splices.problems.push(...problems);
  if (version === undefined) {
    if (problems.length > 0) return;
    splices.problems.push({
      file: object.path,
      what: `${describe(object)} names no version`,
      why: "Flux takes the newest chart that there is",
      fix: "Pin the version that runs now, by a merge request of its own.",
    });
    return;
  }
  for (const field of [version, ...images]) moveField(splices, release, field, from, to);
}

/** Images of workloads that no chart makes. */
export function moveImages(
  splices: Splices,
  { images }: Pick<FleetCluster, "images">,
  wanted: readonly Component[],
  from: string,
  to: string,
): void {
  for (const { component, object, problems, name, leaf } of images)
    if (wanted.includes(component)) {
      splices.problems.push(...problems);
      moveField(splices, { object }, { name, leaf, shape: "values" }, from, to);
    }
}

/** Releases whose landing guard cannot prove in the cluster: it reads what Flux and Helm say of theirs. */
export const unproven = ({ releases }: Pick<FleetCluster, "releases">): readonly Problem[] =>
  releases
    .filter(({ by }) => by !== "flux")
    .map(({ by, object }) => ({
      file: object.path,
      what: `${describe(object)} is brought in by ${by === "sail" ? "the Sail operator" : "Argo CD"}`,
      why: "guard proves only what Flux has applied: it shows and makes the edit of this, and runs no upgrade of it",
      fix: "Upgrade it by hand along the plan, or let Flux install Istio's charts.",
    }));

/** What a cluster lacks, or may have where nobody sees it: without istiod nothing says what its Istio is. */
export function missing({ cluster, build, releases }: FleetCluster, wanted: readonly Component[]): readonly Problem[] {
  const doubts = build.units.flatMap((unit) => unit.doubts);
  const found = releases.filter(({ component }) => wanted.includes(component));
  if (found.length > 0 && (!wanted.includes("istiod") || found.some(({ component }) => component === "istiod")))
    return doubts;
  const broken = build.units.flatMap(({ problems }) => problems);
  if (broken.length > 0) return broken;
  const elsewhere = build.elsewhere.length === 0 ? "" : `; ${build.elsewhere.join(", ")} come from other repositories`;
  return [
    {
      file: cluster.path,
      what: `No release of ${wanted.join(", ")} was found for ${cluster.cluster}`,
      why: `Flux reads ${build.reads.size} files from ${cluster.path || "the root"}${elsewhere}`,
      fix: "Correct flux_config_path in the registry: the folder that the cluster's Flux reads.",
    },
  ];
}

const sameBut = (
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
  moved: (key: string) => boolean,
): boolean => [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => a[key] === b[key] || moved(key));

/** The whole of what a move of versions may do. */
export function isMove({ before, after }: Effect, wanted: readonly string[], from: string, to: string): boolean {
  if (before === undefined || after === undefined || !wanted.includes(before["component"] ?? "")) return false;
  return sameBut(before, after, (key) => (before[key] ?? "").replaceAll(from, to) === after[key]);
}

/** Refused when anything of it cannot be proven; then nothing is edited. */
export function editVersions({ files, clusters, targets, components, from, to }: VersionEdit): Edited {
  const whole = [from, to].filter((version) => parseVersion(version) === undefined);
  if (whole.length > 0)
    return refused([
      {
        file: "",
        what: `${whole.join(", ")} is no version`,
        why: "a step goes from one whole version to another",
        fix: "Say for example 1.31.1.",
      },
    ]);
  const fleet = readFleet(files, clusters);
  const { clusters: moving, problems } = chosen(fleet, targets);
  const splices = new Splices(fleet.repository);
  splices.problems.push(...problems);
  for (const one of moving) {
    splices.problems.push(...missing(one, components));
    for (const release of one.releases)
      if (components.includes(release.component)) moveRelease(splices, release, from, to);
    moveImages(splices, one, components, from, to);
  }
  splices.problems.push(...automerges(fleet.repository));
  return editsOf(fleet, targets, splices, (effect) => isMove(effect, components, from, to));
}
