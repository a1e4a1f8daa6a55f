/** Alerts that somebody set up: Datadog monitors, rules of Prometheus, alarms of CloudWatch. */

/** Datadog's names, which the others are put into. */
export const monitorStates = ["OK", "Warn", "Alert", "No Data", "Unknown", "Ignored", "Skipped"] as const;
export type MonitorState = (typeof monitorStates)[number];

export interface Monitor {
  readonly name: string;
  readonly state: MonitorState;
  /** Marked `guard:required`: without data nothing passes. */
  readonly required: boolean;
  /** It would tell nobody. */
  readonly muted: boolean;
}

export interface MonitorScope {
  readonly clusterName: string;
  /** Tags of the cluster; without any cluster_name:NAME. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface Monitors {
  readonly description: string;
  /** Those about the cluster, in their state for it. Errors: metric-unreadable. */
  inScope(scope: MonitorScope, signal?: AbortSignal): Promise<readonly Monitor[]>;
}
