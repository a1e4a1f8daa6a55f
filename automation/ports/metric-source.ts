export interface MetricQuery {
  /** In the source's own language, with its placeholders filled in. */
  readonly query: string;
  /** ms since the epoch, from inclusive to exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Distance of the points, ms. */
  readonly stepMs: number;
}

/** Series from outside: Prometheus, Cloud Monitoring, Datadog. */
export interface MetricSource {
  /** `Prometheus at https://…` */
  readonly description: string;
  /**
   * One number per step, oldest first; NaN where the source has none: missing is never zero. A query that gives no series
   * gives an empty array. Errors: metric-unreadable (unreachable, refused, more than one series, a reply that is not understood).
   */
  query(query: MetricQuery, signal?: AbortSignal): Promise<readonly number[]>;
  /** Names of metrics that exist, for "nearest name"; undefined where the source cannot list them. Errors: metric-unreadable. */
  names(signal?: AbortSignal): Promise<readonly string[] | undefined>;
}
