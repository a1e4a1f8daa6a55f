/**
 * A figure of a platform, or why there is none. `unreadable`: there is one, and it could not be read, which is never zero;
 * `absent`: this platform or source has no such figure.
 */
export type Reading<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "unreadable"; readonly why: string }
  | { readonly kind: "absent"; readonly why: string };

export function known<Value>(value: Value): Reading<Value> {
  return { kind: "value", value };
}

export function unreadable(why: string): { readonly kind: "unreadable"; readonly why: string } {
  return { kind: "unreadable", why };
}

export function absent(why: string): { readonly kind: "absent"; readonly why: string } {
  return { kind: "absent", why };
}

/** Requests that ended between the snapshot's `since` and its `at`; weight probes are not among them. */
export interface RequestFigures {
  readonly requests: number;
  /** Answered 500 or above, or not completely. A client that went away first is no error. */
  readonly errors: number;
  /**
   * The errors by class. A balancer that sees each request says who failed: `application` and `gateway`; one that counts
   * says `5xx`.
   */
  readonly errorsByClass: Readonly<Record<string, number>>;
}

/** Times of requests in buckets, so that two moments can be subtracted and quantiles of any span be had. */
export interface LatencyHistogram {
  /** Upper ends, ms, rising. */
  readonly boundsMs: readonly number[];
  /** Requests that took up to each bound, so they rise. */
  readonly upTo: readonly number[];
  /** All of them, those beyond the last bound too. */
  readonly count: number;
  readonly sumMs: number;
}

export interface InstanceFigures {
  /** Take requests. */
  readonly ready: number;
  readonly starting: Reading<number>;
  /** What the autoscaler or the workload asks for. */
  readonly wanted: Reading<number>;
  /** Most that the autoscaler may have. */
  readonly most: Reading<number>;
}

export interface ResourceFigures {
  /** Of all instances together. */
  readonly cores: Reading<number>;
  readonly memoryBytes: Reading<number>;
  /** Of the instance that uses most of what it may, 0-1 (a burst may be above). */
  readonly cpuShare: Reading<number>;
  readonly memoryShare: Reading<number>;
}

/** One change of the number of instances by an autoscaler. */
export interface ScalingEvent {
  /** ms since the epoch. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** In the platform's words. */
  readonly reason: string;
}

/** One platform at one moment. */
export interface PlatformSnapshot {
  readonly platform: string;
  /** ms since the epoch. */
  readonly at: number;
  /** From when on the counts are, ms since the epoch. */
  readonly since: number;
  /** What the balancer's weights sent here. */
  readonly requests: Reading<RequestFigures>;
  /** What came by the dark route. */
  readonly darkRequests: Reading<RequestFigures>;
  /** Of the users' requests, to the first byte of the response and to the last. */
  readonly firstByte: Reading<LatencyHistogram>;
  readonly latency: Reading<LatencyHistogram>;
  readonly instances: Reading<InstanceFigures>;
  readonly resources: Reading<ResourceFigures>;
  /** Instances that ended by themselves and were replaced. */
  readonly restarts: Reading<number>;
  /** Instances that never became ready. */
  readonly startFailures: Reading<number>;
  /** Requests that wait for an instance. */
  readonly queued: Reading<number>;
  /** Oldest first. */
  readonly scaling: Reading<readonly ScalingEvent[]>;
}

/** Metrics of the platforms, from one source. */
export interface PlatformMetrics {
  /** What this source can see, for people. */
  readonly description: {
    readonly source: string;
    /** Every request is in the counts, and none twice. */
    readonly complete: boolean;
    /** Until something that happened is in the figures, ms. */
    readonly delayMs: number;
  };
  /**
   * `since`: from when on counts are wanted, ms since the epoch; a source that counts from its own start on says so in the
   * snapshot. What cannot be read alone is `unreadable` in the snapshot. Errors: metrics-unreachable when nothing can be read.
   */
  read(platform: string, since: number, signal?: AbortSignal): Promise<PlatformSnapshot>;
}
