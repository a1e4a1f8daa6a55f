/**
 * Proof that Flux applied a landed commit, and not merely that it is Ready: each source and Kustomization on the way contains the
 * commit, each release has the version of the target in its history, and istiod runs it on every pod. Pure.
 */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import {
  chainOf,
  type Flux,
  type FluxKustomization,
  type FluxManifests,
  type FluxSource,
  hasSeen,
  type IstioRelease,
  isReady,
  istioReleases,
  readFlux,
  saying,
  withoutDigest,
} from "../facts/flux-objects.ts";
import { conditionOf, isTrue, Unreadable } from "../facts/objects.ts";
import { compareVersions, formatVersion, parseVersion, type Version } from "../plan/versions.ts";
import type { Component } from "../rules/evidence.ts";
import type { Part, ProofCode } from "./part.ts";
import { istiodParts, nodeComponentParts } from "./rollout.ts";

/** A release that the commit moves. */
export interface ExpectedRelease {
  readonly component: Component;
  readonly version: Version;
  /** Of the HelmRelease; default: every release of the component. */
  readonly name?: string | undefined;
}

/** Lists of one cluster. Listed in this order, so that what comes later is not older: see `readProofObjects`. */
export interface ProofObjects extends FluxManifests {
  readonly deployments: readonly KubernetesObject[];
  readonly daemonSets: readonly KubernetesObject[];
  readonly pods: readonly KubernetesObject[];
}

export interface ProofInput {
  readonly objects: ProofObjects;
  /** Commit of the target branch. */
  readonly landed: string;
  /** For each commit of `revisionsToCheck`: whether it contains the landed one. */
  readonly contains: ReadonlyMap<string, boolean>;
  /** `group/project`: whose Kustomizations count where no release is expected. */
  readonly repository: string;
  /** None: the commit moves no chart (labels, tags). */
  readonly expected: readonly ExpectedRelease[];
}

export interface Proof {
  /** person: nothing goes on until somebody does what `why` says. */
  readonly kind: "proven" | "waiting" | "failed" | "person";
  /** undefined: proven. */
  readonly code: ProofCode | undefined;
  readonly why: string;
  /** Flux has fetched the commit. */
  readonly fetched: boolean;
  /** Every part with what was seen of it. */
  readonly evidence: readonly Part[];
}

const rank = { failed: 0, person: 1, waiting: 2, proven: 3 } as const;

export function prove(input: ProofInput): Proof {
  try {
    return decided(input, readFlux(input.objects));
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { kind: "waiting", code: "unreadable", why: error.message, fetched: false, evidence: [] };
  }
}

function decided(input: ProofInput, flux: Flux): Proof {
  const all = istioReleases(flux);
  const releases = input.expected.flatMap((one) => all.filter((release) => fits(release, one)));
  const complete =
    input.expected.length > 0 && input.expected.every((one) => all.some((release) => fits(release, one)));
  const { sources, kustomizations } = complete ? chainOf(flux, releases) : everyOf(flux, input.repository, all);
  const followed = followedSources(sources, kustomizations, input.repository);
  const sourceParts = sources.map((source) => sourcePart(source, followed.has(source.key), input));
  const applied = kustomizations.map((one) => kustomizationPart(one, followed, input));
  const synced = [...sourceParts, ...applied].every(({ state }) => state === "proven") && followed.size > 0;
  const parts = [
    ...sourceParts,
    ...applied,
    ...(followed.size === 0 ? [nothingFollows(input.repository)] : []),
    ...input.expected.flatMap((one) => releaseParts(one, all, synced, input)),
  ];
  const [worst] = parts.filter(({ state }) => state !== "proven").toSorted((a, b) => rank[a.state] - rank[b.state]);
  const fetched = sourceParts.filter((_, index) => followed.has(sources[index]?.key ?? ""));
  return {
    kind: worst?.state ?? "proven",
    code: worst?.code,
    why: worst === undefined ? `${input.landed.slice(0, 8)} is applied` : `${worst.subject}: ${worst.seen}`,
    fetched: fetched.length > 0 && fetched.every(({ state }) => state === "proven"),
    evidence: parts,
  };
}

const fits = (release: IstioRelease, { component, name }: ExpectedRelease): boolean =>
  release.component === component && (name === undefined || release.plainName === name);

const nothingFollows = (repository: string): Part => ({
  subject: repository,
  state: "waiting",
  code: "not-applied",
  seen: "no Kustomization of the cluster comes from it",
});

/** Commits whose relation to the landed one has to be asked for, each once. Errors: Unreadable. */
export function revisionsToCheck(manifests: FluxManifests, repository: string): readonly string[] {
  const { sources, kustomizations } = readFlux(manifests);
  const followed = followedSources(sources, kustomizations, repository);
  const seen = [
    ...[...followed.values()].map(commitOfSource),
    ...kustomizations.filter(({ source }) => followed.has(source)).map((one) => appliedCommit(one, followed)),
  ];
  return [...new Set(seen.filter((commit) => commit !== undefined))];
}

/** `main@sha1:…`, `main/…`, `sha1:…`, also of refs and tags; undefined for digests of OCI artifacts. */
export function commitOfText(revision: string | undefined): string | undefined {
  return revision === undefined ? undefined : /(?:^|[@/:])([0-9a-f]{40})$/.exec(revision)?.[1];
}

const commitOfSource = ({ kind, revision, origin }: FluxSource): string | undefined =>
  commitOfText(kind === "OCIRepository" ? origin : revision);

/** What a Kustomization has applied; of an artifact only where that is still the source's. */
function appliedCommit(one: FluxKustomization, followed: ReadonlyMap<string, FluxSource>): string | undefined {
  const { applied, appliedOrigin } = one;
  const source = followed.get(one.source);
  if (appliedOrigin !== undefined || source?.kind !== "OCIRepository") return commitOfText(appliedOrigin ?? applied);
  return applied !== undefined && applied === source.revision ? commitOfSource(source) : undefined;
}

/** Sources of Kustomizations that are made from a repository; others hold charts, or are of somebody else. */
function followedSources(
  sources: readonly FluxSource[],
  kustomizations: readonly FluxKustomization[],
  repository: string,
): ReadonlyMap<string, FluxSource> {
  const used = new Set(kustomizations.map(({ source }) => source));
  return new Map(
    sources
      .filter(({ key, kind, url, originUrl }) => {
        if (!used.has(key) || kind === "HelmRepository") return false;
        // An artifact that does not say where it is from may be of this one.
        return kind === "GitRepository"
          ? isOf(url, repository)
          : originUrl === undefined || isOf(originUrl, repository);
      })
      .map((one) => [one.key, one]),
  );
}

/** Kustomizations that come from a repository or bring Istio, and what they come from. */
function everyOf(flux: Flux, repository: string, releases: readonly IstioRelease[]): ReturnType<typeof chainOf> {
  const own = followedSources(flux.sources, flux.kustomizations, repository);
  const chain = chainOf(flux, releases);
  const kustomizations = flux.kustomizations.filter(
    (one) => own.has(one.source) || chain.kustomizations.some(({ key }) => key === one.key),
  );
  const keys = new Set(kustomizations.map(({ source }) => source));
  return { kustomizations, sources: flux.sources.filter(({ key }) => keys.has(key)) };
}

/** Whether `https://host/group/project.git`, `ssh://…` or `git@host:group/project` is a repository. */
function isOf(url: string, repository: string): boolean {
  const path = url.replace(/\.git\/?$/, "").toLowerCase();
  const name = repository.toLowerCase();
  return path.endsWith(`/${name}`) || path.endsWith(`:${name}`);
}

const suspended = (subject: string): Part => ({
  subject,
  state: "person",
  code: "suspended",
  seen: "it is suspended; resume it, or nothing that lands is applied",
});

const noOrigin = (subject: string, revision: string): Part => ({
  subject,
  state: "person",
  code: "no-origin",
  seen: `the artifact ${revision} does not say which commit it is from; push it with --revision`,
});

/** `followed`: a Kustomization applies what is in it; the others hold charts. */
function sourcePart(source: FluxSource, followed: boolean, { contains }: ProofInput): Part {
  const { key: subject, kind } = source;
  if (source.suspended) return suspended(subject);
  if (isTrue(source.conditions, "Stalled")) return { subject, state: "failed", code: "stalled", seen: saying(source) };
  if (followed) {
    const commit = commitOfSource(source);
    if (commit === undefined && kind === "OCIRepository" && source.revision !== undefined)
      return noOrigin(subject, source.revision);
    const answer = commit === undefined ? undefined : contains.get(commit);
    if (answer !== true)
      return {
        subject,
        state: "waiting",
        code: commit !== undefined && answer === undefined ? "ancestry-unknown" : "not-fetched",
        seen: `it is at ${source.revision ?? "nothing"}, ${answer === false ? "without the landed commit" : "whose relation to the landed commit is not known"}`,
      };
  }
  return ready(source, source.revision === undefined ? "it is ready" : `at ${source.revision}`);
}

function ready(object: FluxSource | FluxKustomization, seen: string): Part {
  const { key: subject } = object;
  if (!hasSeen(object))
    return {
      subject,
      state: "waiting",
      code: "generation",
      seen: `it has seen generation ${object.observed} of ${object.generation}`,
    };
  if (!isReady(object)) return { subject, state: "waiting", code: "not-ready", seen: saying(object) };
  return { subject, state: "proven", seen };
}

function kustomizationPart(
  one: FluxKustomization,
  followed: ReadonlyMap<string, FluxSource>,
  { contains }: ProofInput,
): Part {
  const { key: subject, applied } = one;
  if (one.suspended) return suspended(subject);
  if (isTrue(one.conditions, "Stalled")) return { subject, state: "failed", code: "stalled", seen: saying(one) };
  const source = followed.get(one.source);
  if (source === undefined) return ready(one, `applied ${applied ?? "what is none of this repository"}`);
  const commit = appliedCommit(one, followed);
  if (commit === undefined && source.kind === "OCIRepository" && source.origin === undefined && applied !== undefined)
    return noOrigin(subject, applied);
  const answer = commit === undefined ? undefined : contains.get(commit);
  if (answer !== true) {
    const failing = conditionOf(one.conditions, "Ready")?.status === "False" ? `; ${saying(one)}` : "";
    return {
      subject,
      state: "waiting",
      code: commit !== undefined && answer === undefined ? "ancestry-unknown" : "not-applied",
      seen: `it has applied ${applied ?? "nothing"}, not the landed commit${failing}`,
    };
  }
  return ready(one, `applied ${applied ?? one.appliedOrigin ?? ""}`);
}

function releaseParts(
  expected: ExpectedRelease,
  all: readonly IstioRelease[],
  synced: boolean,
  { objects }: ProofInput,
): readonly Part[] {
  const { component, name, version } = expected;
  const own = all.filter((release) => fits(release, expected));
  if (own.length === 0)
    return [
      {
        subject: `HelmRelease ${name ?? component}`,
        state: synced ? "failed" : "waiting",
        code: "release-missing",
        seen: synced ? "the landed commit is applied, and there is no such release" : "there is no such release yet",
      },
    ];
  return own.flatMap((release) => {
    const part = releasePart(release, version, synced);
    const proven = part.state === "proven";
    if (component === "istiod") return [part, ...istiodParts(release.releaseName, version, proven, objects)];
    if (component === "cni" || component === "ztunnel")
      return [part, ...nodeComponentParts(component, version, proven, objects)];
    return [part];
  });
}

function releasePart(release: IstioRelease, version: Version, synced: boolean): Part {
  const { key: subject, latest, asked } = release;
  const target = formatVersion(version);
  const part = (state: Part["state"], code: ProofCode, seen: string): Part => ({ subject, state, code, seen });
  if (release.suspended) return suspended(subject);
  if (isTrue(release.conditions, "Remediated"))
    return part("failed", "remediated", `Helm rolled it back: ${saying(release)}`);
  if (isTrue(release.conditions, "Stalled")) return part("failed", "stalled", saying(release));
  const wanted = asked === undefined ? undefined : parseVersion(asked);
  if (synced && wanted !== undefined && compareVersions(wanted, version) !== 0)
    return part("failed", "wrong-version", `the landed commit is applied, and it asks for ${asked}, not ${target}`);
  if (!hasSeen(release))
    return part("waiting", "generation", `it has seen generation ${release.observed} of ${release.generation}`);
  if (!isReady(release)) return part("waiting", "not-ready", saying(release));
  const installed = latest === undefined ? undefined : parseVersion(withoutDigest(latest.version));
  if (latest === undefined || installed === undefined || compareVersions(installed, version) !== 0)
    return part("waiting", "chart-version", `its history begins with ${latest?.version ?? "nothing"}, not ${target}`);
  if (latest.status !== "deployed")
    return part("waiting", "chart-version", `${latest.version} is ${latest.status || "in no state"}`);
  return { subject, state: "proven", seen: `deployed ${latest.version}` };
}
