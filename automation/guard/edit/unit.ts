/** What Flux applies to a cluster, Kustomization by Kustomization. */
import type { Problem } from "./edit.ts";
import type { BuiltObject } from "./object.ts";

/** One Flux Kustomization and what it applies. */
export interface Unit {
  readonly name: string;
  readonly namespace: string;
  readonly dependsOn: readonly string[];
  readonly wait: boolean;
  readonly objects: readonly BuiltObject[];
  readonly reads: ReadonlySet<string>;
  /** Why it cannot be said for sure what it applies. */
  readonly problems: readonly Problem[];
  /** Those of them behind which there may be releases, or Kustomizations, that nobody sees. */
  readonly doubts: readonly Problem[];
}

export interface ClusterBuild {
  readonly cluster: string;
  readonly units: readonly Unit[];
  /** Every file that has a part in what the cluster runs. */
  readonly reads: ReadonlySet<string>;
  /** Kustomizations of other repositories, which are not looked at. */
  readonly elsewhere: readonly string[];
}
