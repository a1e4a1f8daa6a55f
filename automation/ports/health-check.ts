/** A check of one cluster that a team writes itself; named in guard.custom_checks of switchyard.yaml. */
import type { KubernetesApi } from "./kubernetes-api.ts";
import type { MetricSource } from "./metric-source.ts";

export interface CheckedCluster {
  readonly cluster_id: string;
  readonly batch_id: string;
  readonly environment: string;
  readonly region: string;
  readonly gitlab_repo: string;
  readonly flux_config_path: string;
  readonly current_istio_version: string;
  readonly datadog_tags: Readonly<Record<string, string>>;
}

/** What a check may ask. What is not configured is undefined. */
export interface CheckTools {
  readonly kubernetes: KubernetesApi | undefined;
  readonly metrics: MetricSource | undefined;
  /** ms since the epoch. */
  now(): number;
  /** Aborted when the check's time is over. */
  readonly signal: AbortSignal;
  /** `options` of its entry. */
  readonly options: Readonly<Record<string, unknown>>;
}

export const checkStatuses = ["PASS", "WARN", "FAIL"] as const;

export interface HealthCheckResult {
  readonly cluster_id: string;
  readonly check_name: string;
  readonly status: (typeof checkStatuses)[number];
  readonly message: string;
  /** ISO 8601 with offset. */
  readonly timestamp: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HealthCheck {
  /** `MODULE#EXPORT`, for messages. */
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What it answers is looked at before it is believed. */
  run(cluster: CheckedCluster, tools: CheckTools): Promise<unknown>;
}
