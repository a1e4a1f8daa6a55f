/** What of a data plane is newer than its control plane, which Istio does not support. Pure. */
import { compareVersions, type Version } from "../plan/versions.ts";
import { isNewerMinor, proxiesAhead } from "../proof/proxies-by-version.ts";
import type { DataPlane } from "./waves.ts";

export interface Ahead {
  /** Sidecars, gateways and waypoints. */
  readonly proxies: number;
  /** `istio-cni`, `ztunnel`. */
  readonly nodes: readonly { readonly name: string; readonly pods: number }[];
}

export const noneAhead: Ahead = { proxies: 0, nodes: [] };

/** `back`: the version that the cluster goes back to; once its control plane runs, node components must not be above it (rule 4). */
export function aheadOf({ workloads, planes, nodes }: DataPlane, back: Version): Ahead {
  const runs = planes.some(({ version }) => compareVersions(version, back) === 0);
  return {
    proxies: proxiesAhead(workloads, planes).reduce((sum, { proxies }) => sum + proxies, 0),
    nodes: nodes
      .map(({ name, versions }) => ({ name, pods: versions.filter((own) => runs && isNewerMinor(own, back)).length }))
      .filter(({ pods }) => pods > 0),
  };
}

export const countAhead = ({ proxies, nodes }: Ahead): number => nodes.reduce((sum, { pods }) => sum + pods, proxies);

/** `2 proxies, 3 pods of ztunnel` */
export const aheadText = ({ proxies, nodes }: Ahead): string =>
  [
    ...(proxies === 0 ? [] : [`${proxies} ${proxies === 1 ? "proxy" : "proxies"}`]),
    ...nodes.map(({ name, pods }) => `${pods} ${pods === 1 ? "pod" : "pods"} of ${name}`),
  ].join(", ");
