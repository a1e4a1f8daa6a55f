/**
 * What Linkerd supports, as dated data. Sources: linkerd/website of 20 Aug 2026 (data/versions.yaml, docs/reference/k8s-versions,
 * docs/tasks/upgrade, releases) and linkerd/linkerd2 of 21 Aug 2026 (charts, minAPIVersion 1.31, cli/cmd/check.go). Pure.
 */
import type { Minor } from "../plan/versions.ts";

/** Of the sources that the table was compared with. */
export const linkerdTableDate = "2026-08-21";

export const linkerdSources = {
  versions: "https://linkerd.io/releases/",
  kubernetes: "https://linkerd.io/docs/reference/k8s-versions/",
  upgrade: "https://linkerd.io/docs/tasks/upgrade/",
  releaseNotes: "https://github.com/linkerd/linkerd2/releases",
} as const;

interface LinkerdSupport {
  /** The logical version: Linkerd calls 20 of 2.20 its major. */
  readonly minor: Minor;
  readonly kubernetes: { readonly from: Minor; readonly to: Minor };
  /**
   * Year, month and number of the edge release with which it begins; edges from there to the next row's belong to it. Without one there
   * were stable releases of the project's own.
   */
  readonly edge?: readonly [year: number, month: number, count: number];
}

/** Newest first. Open-source stable releases ended with 2.14; since then vendors make them. */
export const linkerdSupport: readonly LinkerdSupport[] = [
  { minor: "2.20", kubernetes: { from: "1.31", to: "1.35" }, edge: [26, 6, 3] },
  { minor: "2.19", kubernetes: { from: "1.22", to: "1.35" }, edge: [25, 10, 7] },
  { minor: "2.18", kubernetes: { from: "1.22", to: "1.32" }, edge: [25, 4, 4] },
  { minor: "2.17", kubernetes: { from: "1.22", to: "1.31" }, edge: [24, 11, 8] },
  { minor: "2.16", kubernetes: { from: "1.22", to: "1.29" }, edge: [24, 8, 2] },
  { minor: "2.15", kubernetes: { from: "1.22", to: "1.29" }, edge: [24, 2, 4] },
  { minor: "2.14", kubernetes: { from: "1.21", to: "1.28" } },
];
