/** Flux and the base chart as evidence has them. Pure. */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { parseVersion, type Version } from "../plan/versions.ts";
import type { Evidence } from "../rules/evidence.ts";
import type { ControlPlane } from "./control-planes.ts";
import {
  chainOf,
  type Flux,
  hasSeen,
  type IstioRelease,
  isReady,
  istioReleases,
  withoutDigest,
} from "./flux-objects.ts";
import { isTrue, Unreadable } from "./objects.ts";
import { accountRelease, istioCrdsOf } from "./webhooks.ts";

/** The HelmRelease of a control plane. Errors: Unreadable. */
function releaseOf(releases: readonly IstioRelease[], plane: ControlPlane): IstioRelease {
  const istiods = releases.filter(({ component }) => component === "istiod");
  const own = istiods.find(({ releaseName }) => releaseName === plane.release);
  if (own !== undefined) return own;
  throw new Unreadable(
    istiods.length === 0
      ? "no HelmRelease is of the chart istiod"
      : `no HelmRelease is named as the Helm release of ${plane.name}, ${plane.release === "" ? "which has none" : plane.release}`,
  );
}

function chartVersion({ latest, name }: IstioRelease): Version {
  const version = latest === undefined ? undefined : parseVersion(withoutDigest(latest.version));
  if (version !== undefined) return version;
  throw new Unreadable(`the history of HelmRelease ${name} tells no version (${latest?.version ?? "it is empty"})`);
}

export interface FluxFacts {
  readonly flux: Flux;
  /** The control plane that the hop starts from. */
  readonly plane: ControlPlane;
  readonly registry: Version;
  readonly git: NonNullable<Evidence["git"]> | undefined;
}

/** Errors: Unreadable, also without the section of Git: three ways are not four. */
export function fluxSection({ flux, plane, registry, git }: FluxFacts): NonNullable<Evidence["flux"]> {
  const releases = istioReleases(flux);
  if (releases.length === 0) throw new Unreadable("no HelmRelease is of a chart of Istio");
  const { kustomizations, sources } = chainOf(flux, releases);
  const istiod = releaseOf(releases, plane);
  if (git === undefined) throw new Unreadable("the versions in Git were not collected");
  const inGit = git.releases.find(({ name, component }) => component === "istiod" && name === istiod.plainName);
  const written = parseVersion(withoutDigest(inGit?.chartVersion ?? ""));
  if (written === undefined)
    throw new Unreadable(
      `Git tells no version of the release ${istiod.plainName} (${inGit?.chartVersion ?? "no such release"})`,
    );
  return {
    objects: [...sources, ...kustomizations, ...releases].map((one) => ({
      name: one.name,
      kind: one.kind,
      suspended: one.suspended,
      ready: isReady(one),
      remediated: isTrue(one.conditions, "Remediated"),
      generation: one.generation,
      observedGeneration: hasSeen(one) ? one.generation : one.observed,
    })),
    versions: { registry, git: written, history: chartVersion(istiod), running: plane.version },
  };
}

export interface BaseFacts {
  readonly flux: Flux;
  readonly plane: ControlPlane;
  readonly crds: readonly KubernetesObject[];
  readonly serviceAccounts: readonly KubernetesObject[];
  readonly defaultRevision: string;
  /** Version of base after the hop, where the plan changes it. */
  readonly next: Version | undefined;
}

/** Errors: Unreadable. */
export function baseSection(facts: BaseFacts): NonNullable<Evidence["base"]> {
  const { flux, plane, crds, serviceAccounts, defaultRevision, next } = facts;
  const releases = istioReleases(flux);
  const base = releases.find(({ component }) => component === "base");
  if (base === undefined) throw new Unreadable("no HelmRelease is of the chart base");
  return {
    version: chartVersion(base),
    release: base.releaseName,
    ...(next === undefined ? {} : { next }),
    crds: istioCrdsOf(crds),
    serviceAccountRelease: accountRelease(serviceAccounts, plane.namespace, plane.serviceAccount),
    istiodRelease: releaseOf(releases, plane).releaseName,
    defaultRevision,
  };
}
