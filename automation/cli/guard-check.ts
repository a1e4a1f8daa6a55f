/** Checks one cluster outside a run. */
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { Registry } from "../guard/registry/registry.ts";
import type { Verdict } from "../guard/rules/book.ts";
import type { Finding } from "../guard/rules/rule.ts";
import { lookAtCluster } from "../guard/run/check.ts";
import type { RunPorts } from "../guard/run/context.ts";
import type { GuardConfig } from "../guard/settings.ts";

export interface ClusterCheck {
  readonly cluster: string;
  readonly istio: string;
  readonly target: string;
  readonly verdict: Verdict["kind"];
  readonly findings: readonly Finding[];
  /** What could not be read, and why. */
  readonly problems: readonly string[];
}

/** Errors: guard-unknown-cluster; those of the ports that nothing can be left out for. */
export async function checkCluster(
  ports: RunPorts,
  registry: Registry,
  settings: GuardConfig,
  cluster: string,
  target: string | undefined,
  signal: AbortSignal,
): Promise<ClusterCheck> {
  const { record } = await registry.load(cluster);
  const all: readonly ClusterRecord[] = (await registry.loadAll()).map((one) => one.record);
  const istio = record.entry.currentIstioVersion;
  const to = target ?? istio;
  const { verdict, problems } = await lookAtCluster(ports, settings, record, all, to, signal);
  return { cluster, istio, target: to, verdict: verdict.kind, findings: verdict.findings, problems };
}
