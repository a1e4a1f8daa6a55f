/**
 * The steps of a revisioned upgrade in files: a new istiod beside the old, tags and gateways that move to it, and the old one that
 * goes. Each step is one edit, refused when it would do anything else. Pure.
 */

import { parseVersion } from "../plan/versions.ts";
import type { Component } from "../rules/evidence.ts";
import { addRevision, unlike } from "./add-revision.ts";
import { type Edited, type Problem, type ReadingCluster, type RepositoryFile, refused } from "./edit.ts";
import { isMove, missing, moveImages, moveRelease, unproven } from "./edit-versions.ts";
import { chosen, type Effect, type Fleet, type FleetCluster, fleetOf, readFleet, settled, tagsOf } from "./fleet.ts";
import { automerges } from "./moved-by.ts";
import type { IstioRelease } from "./release.ts";
import { removeRevision } from "./remove-revision.ts";
import { Revision } from "./revision.ts";
import { textAt } from "./tree.ts";

export type RevisionStep =
  /** The CRDs first; they serve both. */
  | { readonly kind: "base" }
  /** A release of the new version beside the old one. */
  | { readonly kind: "new-revision" }
  /** The tag stands at the new release, and nowhere else. Default `canary`. */
  | { readonly kind: "canary-tag"; readonly tag?: string }
  /** Default `stable`. */
  | { readonly kind: "stable-tag"; readonly tag?: string }
  /** Chart and revision of gateways. Default all. */
  | { readonly kind: "gateways"; readonly releases?: readonly string[] }
  | { readonly kind: "default-revision" }
  /** Refused while anything in the files names it. */
  | { readonly kind: "remove-old" };

export interface RevisionRequest {
  readonly files: readonly RepositoryFile[];
  readonly clusters: readonly ReadingCluster[];
  /** Ids of the clusters that move. */
  readonly targets: readonly string[];
  readonly step: RevisionStep;
  /** Whole versions. Swapped, a step of tags or gateways goes back. */
  readonly from: string;
  readonly to: string;
}

/** Components that move in place in a step. */
function inPlace(revision: Revision, one: FleetCluster, components: readonly Component[]): void {
  revision.splices.problems.push(...missing(one, components));
  for (const release of one.releases)
    if (components.includes(release.component)) moveRelease(revision.splices, release, revision.from, revision.to);
  moveImages(revision.splices, one, components, revision.from, revision.to);
}

function moveTag(revision: Revision, { cluster, releases }: FleetCluster, tag: string): void {
  const plane = revision.plane(releases, revision.to, cluster);
  if (plane === undefined) return;
  if (!tagsOf(plane).includes(tag)) revision.addItem(plane, ["revisionTags"], tag);
  for (const other of releases)
    if (other !== plane && tagsOf(other).includes(tag)) revision.removeItem(other, ["revisionTags"], tag);
}

/** Names that stand for a control plane whatever its version is: a gateway behind one needs no new revision. */
const isTag = (releases: readonly IstioRelease[], name: string): boolean =>
  releases.some((one) => tagsOf(one).includes(name));

function moveGateways(revision: Revision, one: FleetCluster, names: readonly string[] | undefined): void {
  const { cluster, releases } = one;
  if (names === undefined) moveImages(revision.splices, one, ["gateway"], revision.from, revision.to);
  const plane = revision.plane(releases, revision.to, cluster);
  if (plane === undefined) return;
  const gateways = releases.filter(
    ({ component, name }) => component === "gateway" && (names === undefined || names.includes(name)),
  );
  for (const name of names ?? [])
    if (!gateways.some((one) => one.name === name))
      revision.refuse(
        cluster.path,
        `${cluster.cluster} has no gateway ${name}`,
        "no release of the gateway chart is called so",
        "Name releases as the inventory does.",
      );
  for (const gateway of gateways) {
    moveRelease(revision.splices, gateway, revision.from, revision.to);
    const now = textAt(gateway.values, "revision") ?? "";
    if (now === "" || !isTag(releases, now))
      revision.setValue(gateway, ["revision"], textAt(plane.values, "revision") ?? "");
    revision.dependOn(
      gateway.object,
      plane,
      releases.filter(({ component }) => component === "istiod"),
    );
  }
}

function moveDefault(revision: Revision, { cluster, releases }: FleetCluster): void {
  const plane = revision.plane(releases, revision.to, cluster);
  const base = releases.find(({ component }) => component === "base");
  if (base === undefined)
    revision.refuse(
      cluster.path,
      `${cluster.cluster} has no release of base`,
      "nothing says the default revision",
      "Install Istio's base chart by Flux.",
    );
  else if (plane !== undefined) revision.setValue(base, ["defaultRevision"], textAt(plane.values, "revision") ?? "");
}

function planStep(revision: Revision, one: FleetCluster, step: RevisionStep): void {
  if (step.kind === "base") inPlace(revision, one, ["base"]);
  else if (step.kind === "new-revision") addRevision(revision, one);
  else if (step.kind === "canary-tag") moveTag(revision, one, step.tag ?? "canary");
  else if (step.kind === "stable-tag") moveTag(revision, one, step.tag ?? "stable");
  else if (step.kind === "gateways") moveGateways(revision, one, step.releases);
  else if (step.kind === "default-revision") moveDefault(revision, one);
  else removeRevision(revision, one);
}

/** Which facts of a release may differ, besides what a move of the version does. */
const differsOnlyIn = ({ before, after }: Effect, keys: readonly string[], from: string, to: string): boolean =>
  before !== undefined &&
  after !== undefined &&
  [...new Set([...Object.keys(before), ...Object.keys(after)])].every(
    (key) =>
      before[key] === after[key] ||
      keys.includes(key) ||
      (keys.includes("version") && (before[key] ?? "").replaceAll(from, to) === after[key]),
  );

function allowedBy(step: RevisionStep, from: string, to: string): (effect: Effect) => boolean {
  const of = ({ before, after }: Effect): string => (before ?? after)?.["component"] ?? "";
  switch (step.kind) {
    case "base":
      return (effect) => isMove(effect, ["base"], from, to);
    case "new-revision":
      return (effect) =>
        effect.before === undefined && of(effect) === "istiod" && effect.after?.["version"]?.includes(to) === true;
    case "canary-tag":
    case "stable-tag":
      return (effect) => of(effect) === "istiod" && differsOnlyIn(effect, ["revisionTags"], from, to);
    case "gateways":
      return (effect) => of(effect) === "gateway" && differsOnlyIn(effect, ["version", "revision"], from, to);
    case "default-revision":
      return (effect) => of(effect) === "base" && differsOnlyIn(effect, ["defaultRevision"], from, to);
    case "remove-old":
      return (effect) =>
        effect.after === undefined && of(effect) === "istiod" && effect.before?.["version"]?.includes(from) === true;
  }
}

/** Tags that two releases list: they would fight over the webhook, which belongs to one Helm release. */
function sharedTags({ clusters }: Fleet): readonly Problem[] {
  return clusters.flatMap(({ cluster, releases }) => {
    const all = releases.flatMap((release) => tagsOf(release).map((tag) => ({ tag, release })));
    return all.flatMap(({ tag, release }, index) => {
      const first = all.findIndex((one) => one.tag === tag);
      if (first === index) return [];
      return [
        {
          file: release.object.path,
          what: `The tag ${tag} stands at two releases of ${cluster.cluster}`,
          why: `${all[first]?.release.name} and ${release.name} would fight over its webhook`,
          fix: "Leave it at one of both.",
        },
      ];
    });
  });
}

/** One step for the clusters. Refused when anything of it cannot be proven; then nothing is edited. */
export function revisionStep({ files, clusters, targets, step, from, to }: RevisionRequest): Edited {
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
  const revision = new Revision(fleet, moving, from, to);
  revision.splices.problems.push(
    ...problems,
    ...sharedTags({ ...fleet, clusters: moving }),
    ...automerges(fleet.repository),
  );
  for (const one of moving) {
    revision.splices.problems.push(...unproven(one));
    planStep(revision, one, step);
  }
  const made = revision.made();
  const edited = settled(fleet, targets, made, allowedBy(step, from, to));
  if (edited.kind === "refused") return edited;
  const after = fleetOf(
    made.repository,
    moving.map(({ cluster }) => cluster),
  );
  const wrong = [...sharedTags(after), ...(step.kind === "new-revision" ? unlike(after, from, to) : [])];
  return wrong.length > 0 ? refused(wrong) : edited;
}
