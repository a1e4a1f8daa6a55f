/** Whether charts and images exist where they are asked for. */

export interface Artifact {
  readonly kind: "chart" | "image";
  /** Of the chart or of the image, without its repository: `istiod`, `pilot`. */
  readonly name: string;
  /** Version of the chart, tag of the image. */
  readonly version: string;
  /**
   * Of a chart: a Helm repository (https://…) or an OCI one (oci://…, with the chart's name at its end or without). Of an image: registry and
   * path (`docker.io/istio`).
   */
  readonly source: string;
}

export type ArtifactAnswer =
  | { readonly kind: "found" }
  /** The source answered, and does not have it. */
  | { readonly kind: "missing"; readonly why: string }
  /** Nothing can be said: no answer, no access, no such kind of source. Never counts as missing, nor as found. */
  | { readonly kind: "unknown"; readonly why: string };

export interface Artifacts {
  /** A source that is down is an answer, too. Rejects only with the signal's reason. */
  look(artifact: Artifact, signal?: AbortSignal): Promise<ArtifactAnswer>;
}
