/**
 * What Istio and EKS support, as dated data. Sources: istio.io data/compatibility/supportStatus.yml and announcements up to
 * 21 Sep 2026; endoflife.date products istio and amazon-eks; docs.aws.amazon.com/eks kubernetes-versions. Where they differ
 * istio.io counts. Pure.
 */
import { compareMinors, compareVersions, type Minor, minorOf, parseVersion, type Version } from "./versions.ts";

/** When somebody last compared the tables with their sources. */
export const supportTableDate = "2026-11-20";

/** Days after which the tables are called stale: Istio releases a minor about every 90. */
const staleAfterDays = 60;

const dayMs = 86_400_000;

interface IstioSupport {
  readonly minor: Minor;
  readonly kubernetes: { readonly from: Minor; readonly to: Minor };
  /** Date of the first release. */
  readonly released: string;
  /** The last day with patches; without one it is six weeks after the minor two above. */
  readonly endOfLife?: string;
  /** The newest patch that was seen, and to which a plan goes in between. */
  readonly patch: string;
  /** No official source was found for the named values. */
  readonly unconfirmed?: readonly ("kubernetes" | "released" | "endOfLife" | "patch")[];
}

/** Newest first. 1.32 was due and not found in any source. */
export const istioSupport: readonly IstioSupport[] = [
  {
    minor: "1.31",
    kubernetes: { from: "1.32", to: "1.36" },
    released: "2026-08-20",
    patch: "1.31.1",
    // The published table still had 1.30 on top; istioctl 1.31 refuses below 1.32 (IST0142).
    unconfirmed: ["kubernetes"],
  },
  { minor: "1.30", kubernetes: { from: "1.32", to: "1.36" }, released: "2026-05-18", patch: "1.30.5" },
  {
    minor: "1.29",
    kubernetes: { from: "1.31", to: "1.35" },
    released: "2026-02-16",
    // The rule: 1.31 and six weeks. The table said "~Aug 2026 (Expected)", and 1.29.8 came on 21 Sep.
    endOfLife: "2026-10-01",
    patch: "1.29.8",
    unconfirmed: ["endOfLife"],
  },
  {
    minor: "1.28",
    kubernetes: { from: "1.30", to: "1.34" },
    released: "2025-11-05",
    endOfLife: "2026-07-01",
    patch: "1.28.6",
    unconfirmed: ["patch"],
  },
  {
    minor: "1.27",
    kubernetes: { from: "1.29", to: "1.33" },
    released: "2025-08-11",
    endOfLife: "2026-04-07",
    patch: "1.27.7",
  },
  {
    minor: "1.26",
    kubernetes: { from: "1.29", to: "1.33" },
    released: "2025-05-08",
    endOfLife: "2025-12-22",
    patch: "1.26.8",
  },
  {
    minor: "1.25",
    kubernetes: { from: "1.29", to: "1.32" },
    released: "2025-03-03",
    endOfLife: "2025-09-30",
    patch: "1.25.5",
  },
  {
    minor: "1.24",
    kubernetes: { from: "1.28", to: "1.31" },
    released: "2024-11-07",
    endOfLife: "2025-06-24",
    patch: "1.24.6",
  },
  {
    minor: "1.23",
    kubernetes: { from: "1.27", to: "1.30" },
    released: "2024-08-14",
    endOfLife: "2025-04-16",
    patch: "1.23.6",
  },
  {
    minor: "1.22",
    kubernetes: { from: "1.27", to: "1.30" },
    released: "2024-05-13",
    endOfLife: "2025-01-22",
    patch: "1.22.8",
  },
];

interface EksSupport {
  readonly minor: Minor;
  /** The last day of standard support; after it a cluster costs more. */
  readonly standardUntil?: string;
  /** The last day of extended support; after it AWS upgrades the cluster by itself. */
  readonly extendedUntil?: string;
  readonly unconfirmed?: true;
}

/** Newest first. EKS goes up one minor at a time, and back only within seven days. */
export const eksSupport: readonly EksSupport[] = [
  // No EKS calendar with 1.36 was found.
  { minor: "1.36", unconfirmed: true },
  { minor: "1.35", standardUntil: "2027-03-27", extendedUntil: "2028-03-27" },
  { minor: "1.34", standardUntil: "2026-12-02", extendedUntil: "2027-12-02" },
  { minor: "1.33", standardUntil: "2026-07-29", extendedUntil: "2027-07-29" },
  { minor: "1.32", standardUntil: "2026-03-23", extendedUntil: "2027-03-23" },
  { minor: "1.31", standardUntil: "2025-11-26", extendedUntil: "2026-11-26" },
  { minor: "1.30", standardUntil: "2025-07-23", extendedUntil: "2026-07-23" },
  { minor: "1.29", standardUntil: "2025-03-23", extendedUntil: "2026-03-23" },
  { minor: "1.28", standardUntil: "2024-11-26", extendedUntil: "2025-11-26" },
  { minor: "1.27", standardUntil: "2024-07-24", extendedUntil: "2025-07-24" },
];

export const strategies = ["in-place", "revision"] as const;

/** in-place: one control plane is replaced. revision: a new one stands beside the old until nothing uses that. */
export type Strategy = (typeof strategies)[number];

/**
 * Minors that one hop may cross. Ambient's node components work with a control plane of their own minor and of the next
 * one, and cannot be revisioned (istio.io, ambient upgrade), so that a skip is not for them.
 */
export function mostMinors(strategy: Strategy, ambient: boolean): 1 | 2 {
  return strategy === "revision" && !ambient ? 2 : 1;
}

/** Versions that nobody should go to, with the reason. */
interface Denied {
  readonly from: string;
  readonly to: string;
  /** Only where Flux or another tool writes labels and annotations of its own. */
  readonly gitOpsOnly: boolean;
  readonly reason: string;
  readonly fixedIn: string;
  readonly source: string;
}

export const denyList: readonly Denied[] = [
  {
    from: "1.30.0",
    to: "1.30.2",
    gitOpsOnly: true,
    reason:
      "each change of a VirtualService's metadata, which Flux makes all the time, pushes configuration to every proxy",
    fixedIn: "1.30.3",
    source: "https://github.com/istio/istio/issues/60629",
  },
];

export const istioSupportOf = (minor: Minor): IstioSupport | undefined =>
  istioSupport.find((one) => one.minor === minor);

export const eksSupportOf = (minor: Minor): EksSupport | undefined => eksSupport.find((one) => one.minor === minor);

export function supportsKubernetes({ kubernetes }: IstioSupport, minor: Minor): boolean {
  return compareMinors(kubernetes.from, minor) <= 0 && compareMinors(minor, kubernetes.to) <= 0;
}

/** End of life, ms since the epoch; undefined while the minor two above is not out. */
export function endOfLifeMs(support: IstioSupport): number | undefined {
  return support.endOfLife === undefined ? undefined : Date.parse(`${support.endOfLife}T23:59:59Z`);
}

/** The reason why a version is on the list, where that applies. */
export function deniedBy(version: Version, gitOps: boolean): Denied | undefined {
  return denyList.find(({ from, to, gitOpsOnly }) => {
    const [lowest, highest] = [parseVersion(from), parseVersion(to)];
    return (
      lowest !== undefined &&
      highest !== undefined &&
      (gitOps || !gitOpsOnly) &&
      minorOf(lowest) === minorOf(version) &&
      compareVersions(lowest, version) <= 0 &&
      compareVersions(version, highest) <= 0
    );
  });
}

/** What to say of tables that nobody compared for long; undefined while they are fresh. `at`: ms since the epoch. */
export function staleness(at: number): string | undefined {
  const days = Math.floor((at - Date.parse(supportTableDate)) / dayMs);
  if (days <= staleAfterDays) return undefined;
  return `the support tables are of ${supportTableDate}, ${days} days ago: compare them with https://istio.io/latest/docs/releases/supported-releases/`;
}
