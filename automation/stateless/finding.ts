/** What the stateless rules take and what they say. Pure. */

/** How far a workload can be moved, best first (shared research, platform 60). Only a stateless one is swapped without a person's say. */
export const statelessClasses = ["stateless", "cache-only", "session-bound", "stateful"] as const;

export type StatelessClass = (typeof statelessClasses)[number];

/** Stands for a value that is not known yet, such as an output at preview. No rule may take it for a good one. */
export const unknownValue: unique symbol = Symbol("unknown");

/** One declared or running thing, whoever told of it: a policy pack, a manifest, the live stack. */
export interface ScannedResource {
  /** `apiVersion/Kind` of Kubernetes (apps/v1/StatefulSet) or Pulumi's token of another provider (gcp:cloudrunv2/service:Service). */
  readonly type: string;
  /** As its place calls it: namespace/name, or the URN's last part. */
  readonly name: string;
  /** Kubernetes: the whole object as it would be applied. Others: the resource's inputs. May hold `unknownValue` anywhere. */
  readonly object: Readonly<Record<string, unknown>>;
  /** Where a person finds it: `file:line`, a URN. */
  readonly where: string;
  /** Where something in it stands (of keys and indexes), closer than `where`; undefined where nobody knows. Manifests have it. */
  readonly whereIn?: (path: Path) => string | undefined;
}

/** Keys and indexes from the object's root. */
export type Path = readonly (string | number)[];

/** hard: it keeps state. warning: it leans on one instance or on local data. cannot-tell: what would decide is not known, or the kind is not. */
export type FindingLevel = "hard" | "warning" | "cannot-tell";

export interface Finding {
  /** Id of the rule, for example persistent-volume-claim. */
  readonly rule: string;
  readonly level: FindingLevel;
  readonly resource: { readonly type: string; readonly name: string; readonly where: string };
  /** Where the path stands: a closer `resource.where` if there is one. */
  readonly where: string;
  /** In the resource, for example spec.template.spec.volumes[0].hostPath; empty for the whole of it. */
  readonly path: string;
  /** What is there and why it matters, one sentence. */
  readonly reason: string;
  /** What to do instead, one sentence. */
  readonly fix: string;
  /** The class that this finding alone makes of the workload; undefined for cannot-tell. */
  readonly class: Exclude<StatelessClass, "stateless"> | undefined;
}

/** The worst class of all findings; cannot-tell where nothing is worse than something that could not be told. */
export type StatelessVerdict = StatelessClass | "cannot-tell";
