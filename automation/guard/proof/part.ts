/** Parts of a proof and what may be said of them. */

export type ProofCode =
  /** A person has to do something, or it never goes on. */
  | "suspended"
  | "no-origin"
  /** It does not become good by itself. */
  | "stalled"
  | "remediated"
  | "wrong-version"
  | "wrong-image"
  | "release-missing"
  | "rollout-stuck"
  | "unreadable"
  /** It may. */
  | "not-fetched"
  | "not-applied"
  | "ancestry-unknown"
  | "not-ready"
  | "generation"
  | "chart-version"
  | "rolling-out";

/** One thing that has to be so. */
export interface Part {
  /** `HelmRelease istio-system/istiod` */
  readonly subject: string;
  readonly state: "proven" | "waiting" | "failed" | "person";
  readonly code?: ProofCode;
  readonly seen: string;
}
