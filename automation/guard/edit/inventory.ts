/** What the files say that each cluster runs: the evidence section `git`, and the place of each version. Pure. */
import type { z } from "zod";
import type { Component, Evidence, evidenceFile } from "../rules/evidence.ts";
import type { Problem, ReadingCluster, RepositoryFile } from "./edit.ts";
import { missing, unproven } from "./edit-versions.ts";
import { type FleetCluster, readFleet } from "./fleet.ts";
import { automerges } from "./moved-by.ts";
import type { Field, IstioRelease } from "./release.ts";
import { dependsOnOf } from "./releases.ts";
import type { Repository } from "./repository.ts";
import { markerAt } from "./splice.ts";
import { type Leaf, type Part, textAt } from "./tree.ts";
import { workloadOf } from "./workload-images.ts";

export type Git = NonNullable<z.input<typeof evidenceFile>["git"]>;
type MovedBy = NonNullable<NonNullable<Evidence["git"]>["releases"][number]["movedBy"]>;

export type Shape =
  /** In the object itself. */
  | Field["shape"]
  /** In something that Flux or kustomize lays over it. */
  | "patch"
  | "json-patch"
  | "inline-patch"
  | "substitution"
  /** The default in a placeholder whose variable nothing sets. */
  | "default"
  /** A file or a literal of a ConfigMap generator. */
  | "generator"
  /** A container of a workload that no chart makes. */
  | "image"
  /** `images` of a kustomization. */
  | "images";

/** Where a version really stands. */
export interface Home {
  readonly release: string;
  readonly component: Component;
  /** `version`, `ref.tag`, or the value that names an image. */
  readonly field: string;
  readonly value: string;
  readonly shape: Shape;
  readonly path: string;
  readonly document: number;
  /** As in Change. */
  readonly pointer: string;
}

export interface ClusterInventory {
  readonly cluster: string;
  /** undefined: no release of Istio was found. */
  readonly git: Git | undefined;
  readonly homes: readonly Home[];
  /** Every file that its Flux reads, sorted. */
  readonly files: readonly string[];
  /** Kustomizations of Flux that apply other repositories; they were not looked at. */
  readonly elsewhere: readonly string[];
  /** Releases that a run cannot prove, and so does not begin to move. */
  readonly unproven: readonly Problem[];
  /** What could not be followed. With one of them an edit of the releases it concerns is refused. */
  readonly problems: readonly Problem[];
}

const shapeOf = (shape: Shape, { via }: Part): Shape => (via === "resource" ? shape : via);

function homesIn(
  whose: Pick<Home, "release" | "component">,
  field: string,
  { value, parts }: Leaf,
  shape: Shape,
): readonly Home[] {
  return parts.flatMap((part) =>
    part.place === undefined || !/\d/.test(part.text)
      ? []
      : [{ ...whose, field, value, shape: shapeOf(shape, part), ...part.place }],
  );
}

function homesOf(release: IstioRelease): readonly Home[] {
  const { version, images, name, component } = release;
  return [...(version === undefined ? [] : [version]), ...images].flatMap((field) =>
    homesIn({ release: name, component }, field.name, field.leaf, field.shape),
  );
}

function movedBy(repository: Repository, release: IstioRelease, renovates: boolean): MovedBy | undefined {
  for (const { leaf } of [...(release.version === undefined ? [] : [release.version]), ...release.images])
    for (const { place } of leaf.parts) {
      const found = place === undefined ? undefined : markerAt(repository, place);
      if (found !== undefined) return found;
    }
  return renovates ? "renovate" : undefined;
}

/** helm-controller of v2 may apply on the server; those of the betas could not. */
function appliesOnServer({ object }: IstioRelease): boolean {
  const set = textAt(object.tree, "spec", "upgrade", "serverSideApply");
  return textAt(object.tree, "apiVersion")?.endsWith("/v2") === true && set !== "disabled";
}

function evidenceOf(
  repository: Repository,
  release: IstioRelease,
  nameOf: (one: IstioRelease) => string,
  renovates: boolean,
): Git["releases"][number] {
  const { object, version, hubs, source, verifyKey, component, unit } = release;
  const spec = (...steps: readonly string[]): string | undefined => textAt(object.tree, "spec", ...steps);
  const hub = hubs[0]?.leaf.value;
  const moved = movedBy(repository, release, renovates);
  const retries = Number(spec("upgrade", "remediation", "retries") ?? 0);
  return {
    name: nameOf(release),
    component,
    file: object.path,
    ...(version === undefined ? {} : { chartVersion: version.leaf.value }),
    source: source === "" ? "unknown" : source,
    ...(hub === undefined || hub === "" ? {} : { hub }),
    ...(verifyKey === undefined ? {} : { verifyKey }),
    dependsOn: [...dependsOnOf(release)],
    kustomization: unit.name,
    ...(moved === undefined ? {} : { movedBy: moved }),
    // Below zero: without end.
    remediationRetries: Number.isInteger(retries) ? (retries < 0 ? Number.MAX_SAFE_INTEGER : retries) : 0,
    retryOnFailure: spec("upgrade", "strategy", "name") === "RetryOnFailure",
    serverSideApply: appliesOnServer(release),
  };
}

function inventoryOf(repository: Repository, one: FleetCluster, renovates: boolean): ClusterInventory {
  const { cluster, build, releases } = one;
  // Two of one name are told from each other by their namespaces.
  const twice = (name: string): boolean => releases.filter((other) => other.name === name).length > 1;
  const nameOf = ({ name, namespace }: IstioRelease): string => (twice(name) ? `${namespace}/${name}` : name);
  const git: Git = {
    releases: releases.map((release) => evidenceOf(repository, release, nameOf, renovates)),
    kustomizations: build.units.map(({ name, dependsOn, wait }) => ({ name, dependsOn: [...dependsOn], wait })),
  };
  return {
    cluster: cluster.cluster,
    git: releases.length === 0 ? undefined : git,
    homes: [
      ...releases.flatMap(homesOf),
      ...one.images.flatMap((image) =>
        homesIn({ release: workloadOf(image), component: image.component }, image.name, image.leaf, "image"),
      ),
    ],
    files: [...build.reads].toSorted(),
    elsewhere: build.elsewhere,
    unproven: unproven(one),
    problems: [...missing(one, ["istiod"]), ...releases.flatMap(({ problems }) => problems)].filter(
      (problem, index, all) => all.indexOf(problem) === index,
    ),
  };
}

/** One for each cluster, in their order. */
export function inventory(
  files: readonly RepositoryFile[],
  clusters: readonly ReadingCluster[],
): readonly ClusterInventory[] {
  const fleet = readFleet(files, clusters);
  const renovates = automerges(fleet.repository).length > 0;
  return fleet.clusters.map((one) => inventoryOf(fleet.repository, one, renovates));
}
