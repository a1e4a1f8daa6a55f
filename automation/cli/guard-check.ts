/** Checks one cluster outside a run. */
import type { Strategy } from "../guard/plan/support.ts";
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { Registry } from "../guard/registry/registry.ts";
import { type Look, lookAtCluster } from "../guard/run/check.ts";
import type { RunPorts } from "../guard/run/context.ts";
import type { GuardConfig } from "../guard/settings.ts";

export interface ClusterCheck extends Look {
  readonly cluster: string;
  readonly istio: string;
  readonly target: string;
  readonly strategy: Strategy;
}

interface WantedHop {
  /** Default the version that the cluster runs. */
  readonly target: string | undefined;
  /** Default that of the settings. */
  readonly strategy: Strategy | undefined;
}

/** Errors: guard-unknown-cluster; those of the ports that nothing can be left out for. */
export async function checkCluster(
  ports: RunPorts,
  registry: Registry,
  settings: GuardConfig,
  cluster: string,
  wanted: WantedHop,
  signal: AbortSignal,
): Promise<ClusterCheck> {
  const { record } = await registry.load(cluster);
  const all: readonly ClusterRecord[] = (await registry.loadAll()).map((one) => one.record);
  const istio = record.entry.currentIstioVersion;
  const target = wanted.target ?? istio;
  const strategy = wanted.strategy ?? settings.execution.strategy;
  const look = await lookAtCluster(ports, settings, record, all, { to: target, strategy }, signal);
  return { cluster, istio, target, strategy, ...look };
}
