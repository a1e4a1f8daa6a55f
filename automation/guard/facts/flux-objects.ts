/** Flux's objects, read: sources, Kustomizations and HelmReleases, and which of them bring Istio. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Component } from "../rules/evidence.ts";
import {
  type Condition,
  conditionOf,
  conditions,
  flag,
  isTrue,
  list,
  metadata,
  nameOf,
  number,
  read,
} from "./objects.ts";

const reference = z.object({ kind: z.string().optional(), name: z.string(), namespace: z.string().nullish() });
const artifact = z.object({ revision: z.string().nullish(), metadata: z.record(z.string(), z.string()).nullish() });

const source = z.object({
  metadata,
  spec: z.object({ url: z.string().default(""), type: z.string().nullish(), suspend: flag }),
  status: z.object({ observedGeneration: number, conditions, artifact: artifact.nullish() }).nullish(),
});

const kustomization = z.object({
  metadata,
  spec: z.object({ suspend: flag, dependsOn: list(reference), sourceRef: reference }),
  status: z
    .object({
      observedGeneration: number,
      conditions,
      lastAppliedRevision: z.string().nullish(),
      lastAppliedOriginRevision: z.string().nullish(),
    })
    .nullish(),
});

const release = z.object({
  metadata,
  spec: z.object({
    suspend: flag,
    releaseName: z.string().nullish(),
    targetNamespace: z.string().nullish(),
    dependsOn: list(reference),
    chart: z
      .object({ spec: z.object({ chart: z.string(), version: z.string().nullish(), sourceRef: reference }) })
      .nullish(),
    chartRef: reference.nullish(),
    values: z.unknown(),
    valuesFrom: list(z.unknown()),
  }),
  status: z
    .object({
      observedGeneration: number,
      conditions,
      history: list(
        z.object({ chartName: z.string(), chartVersion: z.string(), status: z.string().nullish(), version: number }),
      ),
    })
    .nullish(),
});

export type FluxKind = "GitRepository" | "OCIRepository" | "HelmRepository" | "Kustomization" | "HelmRelease";

interface FluxObject {
  readonly kind: FluxKind;
  /** `Kind namespace/name` */
  readonly key: string;
  /** `namespace/name` */
  readonly name: string;
  readonly suspended: boolean;
  readonly generation: number;
  readonly observed: number;
  readonly conditions: readonly Condition[];
}

export interface FluxSource extends FluxObject {
  readonly kind: "GitRepository" | "OCIRepository" | "HelmRepository";
  readonly url: string;
  /** `main@sha1:…`, `1.30.5@sha256:…` */
  readonly revision: string | undefined;
  /** Revision and address of the repository that an OCI artifact was made from. */
  readonly origin: string | undefined;
  readonly originUrl: string | undefined;
  /** A HelmRepository of type oci: Flux writes no status. */
  readonly silent: boolean;
}

export interface FluxKustomization extends FluxObject {
  readonly kind: "Kustomization";
  readonly source: string;
  readonly dependsOn: readonly string[];
  /** The Kustomization that applied it. */
  readonly owner: string | undefined;
  readonly applied: string | undefined;
  readonly appliedOrigin: string | undefined;
}

export interface FluxRelease extends FluxObject {
  readonly kind: "HelmRelease";
  /** Its own, without the namespace. */
  readonly plainName: string;
  /** Helm's. */
  readonly releaseName: string;
  readonly chart: string | undefined;
  readonly source: string;
  /** What its spec asks for; undefined where an OCIRepository says it. */
  readonly asked: string | undefined;
  readonly owner: string | undefined;
  readonly values: unknown;
  readonly valuesElsewhere: boolean;
  readonly latest: { readonly chart: string; readonly version: string; readonly status: string } | undefined;
}

export interface Flux {
  readonly sources: readonly FluxSource[];
  readonly kustomizations: readonly FluxKustomization[];
  readonly releases: readonly FluxRelease[];
}

export interface FluxManifests {
  readonly gitRepositories: readonly KubernetesObject[];
  readonly ociRepositories: readonly KubernetesObject[];
  readonly helmRepositories: readonly KubernetesObject[];
  readonly kustomizations: readonly KubernetesObject[];
  readonly helmReleases: readonly KubernetesObject[];
}

const keyOf = (kind: string, namespace: string, name: string): string => `${kind} ${nameOf({ namespace, name })}`;

/** Flux writes `1.30.5+9f2b…` for charts of an OCIRepository. */
export const withoutDigest = (version: string): string => version.replace(/\+.*$/, "");

type Labels = z.output<typeof metadata>["labels"];

function ownerOf(labels: Labels): string | undefined {
  const name = labels["kustomize.toolkit.fluxcd.io/name"];
  return name === undefined
    ? undefined
    : keyOf("Kustomization", labels["kustomize.toolkit.fluxcd.io/namespace"] ?? "", name);
}

/** Errors: Unreadable. */
export function readFlux(manifests: FluxManifests): Flux {
  const sourcesOf = (kind: FluxSource["kind"], objects: readonly KubernetesObject[]): readonly FluxSource[] =>
    read(source, objects).map(({ metadata: meta, spec, status }) => ({
      ...common(kind, meta, spec.suspend, status),
      kind,
      url: spec.url,
      revision: status?.artifact?.revision ?? undefined,
      origin: status?.artifact?.metadata?.["org.opencontainers.image.revision"],
      originUrl: status?.artifact?.metadata?.["org.opencontainers.image.source"],
      silent: kind === "HelmRepository" && (spec.type === "oci" || spec.url.startsWith("oci://")),
    }));
  return {
    sources: [
      ...sourcesOf("GitRepository", manifests.gitRepositories),
      ...sourcesOf("OCIRepository", manifests.ociRepositories),
      ...sourcesOf("HelmRepository", manifests.helmRepositories),
    ],
    kustomizations: read(kustomization, manifests.kustomizations).map(({ metadata: meta, spec, status }) => ({
      ...common("Kustomization", meta, spec.suspend, status),
      kind: "Kustomization",
      source: keyOf(
        spec.sourceRef.kind ?? "GitRepository",
        spec.sourceRef.namespace ?? meta.namespace,
        spec.sourceRef.name,
      ),
      dependsOn: spec.dependsOn.map(({ name, namespace }) => keyOf("Kustomization", namespace ?? meta.namespace, name)),
      owner: ownerOf(meta.labels),
      applied: status?.lastAppliedRevision ?? undefined,
      appliedOrigin: status?.lastAppliedOriginRevision ?? undefined,
    })),
    releases: read(release, manifests.helmReleases).map(({ metadata: meta, spec, status }) => {
      const { chart, chartRef } = spec;
      const from = chartRef ?? chart?.spec.sourceRef;
      const latest = status?.history[0];
      return {
        ...common("HelmRelease", meta, spec.suspend, status),
        kind: "HelmRelease",
        plainName: meta.name,
        releaseName:
          spec.releaseName ??
          (spec.targetNamespace === null || spec.targetNamespace === undefined
            ? meta.name
            : `${spec.targetNamespace}-${meta.name}`),
        chart: chart?.spec.chart ?? latest?.chartName,
        source:
          from === undefined ? "" : keyOf(from.kind ?? "HelmRepository", from.namespace ?? meta.namespace, from.name),
        asked: chart?.spec.version ?? undefined,
        owner: ownerOf(meta.labels),
        values: spec.values,
        valuesElsewhere: spec.valuesFrom.length > 0,
        latest:
          latest === undefined
            ? undefined
            : { chart: latest.chartName, version: latest.chartVersion, status: latest.status ?? "" },
      };
    }),
  };
}

function common<K extends FluxKind>(
  kind: K,
  meta: z.output<typeof metadata>,
  suspended: boolean,
  status: { readonly observedGeneration: number; readonly conditions: readonly Condition[] } | null | undefined,
): FluxObject & { readonly kind: K } {
  return {
    kind,
    key: keyOf(kind, meta.namespace, meta.name),
    name: nameOf(meta),
    suspended,
    generation: meta.generation ?? 0,
    observed: status?.observedGeneration ?? 0,
    conditions: status?.conditions ?? [],
  };
}

export const isReady = (object: FluxObject | FluxSource): boolean =>
  ("silent" in object && object.silent) || isTrue(object.conditions, "Ready");

export const hasSeen = (object: FluxObject | FluxSource): boolean =>
  ("silent" in object && object.silent) || object.observed === object.generation;

/** What an object says of itself where it is not Ready. */
export function saying({ conditions: all }: FluxObject): string {
  const found = conditionOf(all, "Stalled") ?? conditionOf(all, "Ready");
  return found === undefined ? "it has no status" : `${found.reason ?? ""}: ${found.message ?? ""}`.slice(0, 300);
}

const ownCharts: readonly string[] = ["istiod", "ztunnel"];
const sharedCharts: readonly string[] = ["base", "cni", "gateway"];

export interface IstioRelease extends FluxRelease {
  readonly component: Component;
}

/**
 * Releases of Istio's charts. `base`, `cni` and `gateway` are common names: they count from a source that says istio, or from
 * istiod's own.
 */
export function istioReleases(flux: Flux): readonly IstioRelease[] {
  const istiods = new Set(flux.releases.filter(({ chart }) => chart === "istiod").map((one) => one.source));
  const urls = new Map(flux.sources.map(({ key, url }) => [key, url]));
  const isComponent = (chart: string): chart is Component => ownCharts.includes(chart) || sharedCharts.includes(chart);
  return flux.releases.flatMap((one) => {
    const { chart, source: from } = one;
    if (chart === undefined || !isComponent(chart)) return [];
    const known =
      ownCharts.includes(chart) || istiods.has(from) || /istio/i.test(urls.get(from) ?? "") || /istio/i.test(from);
    return known ? [{ ...one, component: chart }] : [];
  });
}

/** Everything that these releases come by: their Kustomizations, those that these wait for or are applied by, and all sources. */
export function chainOf(
  flux: Flux,
  releases: readonly FluxRelease[],
): { readonly kustomizations: readonly FluxKustomization[]; readonly sources: readonly FluxSource[] } {
  const known = new Map(flux.kustomizations.map((one) => [one.key, one]));
  const found = new Map<string, FluxKustomization>();
  const open = releases.map(({ owner }) => owner);
  while (open.length > 0) {
    const key = open.pop();
    const one = key === undefined ? undefined : known.get(key);
    if (one === undefined || found.has(one.key)) continue;
    found.set(one.key, one);
    open.push(one.owner, ...one.dependsOn);
  }
  const wanted = new Set([...releases, ...found.values()].map((one) => one.source));
  return {
    kustomizations: flux.kustomizations.filter(({ key }) => found.has(key)),
    sources: flux.sources.filter(({ key }) => wanted.has(key)),
  };
}
