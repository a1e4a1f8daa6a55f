/** How far the data plane has moved: proxies counted per version, up to 100 % or a rest of which each member is explained. Pure. */
import { type Pod, plainRevision } from "../facts/pods.ts";
import { type MeshWorkload, pinnedImage, proxyVersionText } from "../facts/workloads.ts";
import { compareVersions, formatVersion, type Version } from "../plan/versions.ts";

/** not-moved is no explanation. */
export type RestReason =
  | "excluded-namespace"
  | "job"
  | "bare-pod"
  | "pinned-image"
  | "on-delete"
  | "not-ready"
  | "not-moved";

export interface Rest {
  /** `Deployment shop/cart` */
  readonly workload: string;
  readonly proxies: number;
  /** What they run. */
  readonly versions: readonly string[];
  readonly reason: RestReason;
}

export interface ProxyCount {
  /** Of the control plane in question. */
  readonly total: number;
  readonly moved: number;
  /** 0 to 100; 100 where there is none. */
  readonly percent: number;
  /** Versions of the total, the newest first. */
  readonly byVersion: readonly { readonly version: string; readonly proxies: number }[];
  readonly rest: readonly Rest[];
  /** All moved, or each that did not is explained. */
  readonly complete: boolean;
}

export interface CountInput {
  readonly workloads: readonly MeshWorkload[];
  readonly target: Version;
  /** Of the control plane whose proxies count: those that are or would be injected by it; empty for the one without. */
  readonly revision: string;
  readonly excludedNamespaces: readonly string[];
}

/** Whether a proxy is where it has to be. */
export function hasMoved({ proxy }: Pod, target: Version, revision: string): boolean {
  return (
    proxy?.version !== undefined &&
    compareVersions(proxy.version, target) === 0 &&
    proxy.revision === plainRevision(revision)
  );
}

/** Workloads of a control plane: its next pods come from it, or, where nothing injects them any more, its present ones did. */
export const belongsTo = ({ injectedBy, pods }: MeshWorkload, revision: string): boolean =>
  injectedBy === undefined ? pods.some(({ proxy }) => proxy?.revision === revision) : injectedBy === revision;

export function proxiesByVersion(input: CountInput): ProxyCount {
  const { target, revision } = input;
  const own = input.workloads.filter((one) => belongsTo(one, revision));
  const pods = own.flatMap((one) => one.pods);
  const versions = new Map<string, { count: number; version: Version | undefined }>();
  for (const pod of pods) {
    const text = proxyVersionText(pod);
    const known = versions.get(text);
    versions.set(text, { count: (known?.count ?? 0) + 1, version: pod.proxy?.version });
  }
  const rest = own.flatMap((workload) => restOf(workload, input));
  const moved = pods.filter((pod) => hasMoved(pod, target, revision)).length;
  return {
    total: pods.length,
    moved,
    percent: pods.length === 0 ? 100 : (moved / pods.length) * 100,
    byVersion: [...versions]
      .toSorted(([a, one], [b, other]) =>
        one.version === undefined || other.version === undefined
          ? a.localeCompare(b)
          : compareVersions(other.version, one.version),
      )
      .map(([version, { count }]) => ({ version, proxies: count })),
    rest,
    complete: rest.every(({ reason }) => reason !== "not-moved"),
  };
}

function restOf(workload: MeshWorkload, input: CountInput): readonly Rest[] {
  const behind = workload.pods.filter((pod) => !hasMoved(pod, input.target, input.revision));
  const groups = new Map<RestReason, Pod[]>();
  for (const pod of behind) {
    const reason = whyStays(workload, input.excludedNamespaces) ?? (pod.ready ? "not-moved" : "not-ready");
    groups.set(reason, [...(groups.get(reason) ?? []), pod]);
  }
  return [...groups].map(([reason, pods]) => ({
    workload: workload.key,
    proxies: pods.length,
    versions: [...new Set(pods.map(proxyVersionText))],
    reason,
  }));
}

/** Why a restart does not move a workload, or is not allowed; undefined: it does. */
export function whyStays(workload: MeshWorkload, excludedNamespaces: readonly string[]): RestReason | undefined {
  if (excludedNamespaces.includes(workload.namespace)) return "excluded-namespace";
  if (workload.kind === "Job") return "job";
  if (workload.kind === "Pod") return "bare-pod";
  if (pinnedImage(workload) !== undefined) return "pinned-image";
  return workload.rollout?.onDelete === true ? "on-delete" : undefined;
}

const reasons: Readonly<Record<RestReason, string>> = {
  "excluded-namespace": "its namespace is excluded",
  job: "nothing restarts a Job",
  "bare-pod": "nothing restarts a pod without an owner",
  "pinned-image": "sidecar.istio.io/proxyImage pins it",
  "on-delete": "its pods are replaced only when somebody deletes them",
  "not-ready": "it was not ready",
  "not-moved": "it has not moved",
};

/** `Job shop/report: 2 proxies at 1.30.5; nothing restarts a Job` */
export const restText = ({ workload, proxies, versions, reason }: Rest): string =>
  `${workload}: ${proxies} ${proxies === 1 ? "proxy" : "proxies"} at ${versions.join(", ")}; ${reasons[reason]}`;

/** Patches of a minor work with each other. */
export const isNewerMinor = (one: Version, other: Version): boolean =>
  (one.major - other.major || one.minor - other.minor) > 0;

/** Proxies whose version is above their control plane's, which Istio does not support. */
export function proxiesAhead(
  workloads: readonly MeshWorkload[],
  planes: readonly { readonly revision: string; readonly version: Version }[],
): readonly { readonly workload: string; readonly proxies: number; readonly version: string }[] {
  const versions = new Map(planes.map(({ revision, version }) => [revision, version]));
  return workloads.flatMap(({ key, pods }) => {
    const ahead = pods.filter(({ proxy }) => {
      const plane = versions.get(proxy?.revision ?? "");
      return proxy?.version !== undefined && plane !== undefined && isNewerMinor(proxy.version, plane);
    });
    const [first] = ahead;
    return first?.proxy?.version === undefined
      ? []
      : [{ workload: key, proxies: ahead.length, version: formatVersion(first.proxy.version) }];
  });
}

/** The window of a rollback: it begins when the first is ahead, and ends when none is any more. */
export function skewWindow(
  before: { readonly skewFrom?: number | undefined; readonly skewTo?: number | undefined },
  ahead: number,
  now: number,
): { readonly skewFrom?: number; readonly skewTo?: number } {
  const { skewFrom, skewTo } = before;
  if (skewFrom === undefined) return ahead > 0 ? { skewFrom: now } : {};
  // One that is ahead again opens it anew: its end is the last one.
  if (ahead > 0) return { skewFrom };
  return { skewFrom, skewTo: skewTo ?? now };
}
