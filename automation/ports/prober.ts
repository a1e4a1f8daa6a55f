/** What one probe found. */
export interface ProbeResult {
  /** The platform that the balancer's side header named; empty when there was none. */
  readonly side: string;
  readonly status: number;
  /** First byte, ms. */
  readonly durationMs: number;
}

/** Asks the data plane itself which side answers. Probes carry a header that keeps them out of gates, counts and autoscaling. */
export interface Prober {
  /** Probes a second that the balancer may be asked for. */
  readonly perSecond: number;
  /** Sends `count` probes through the balancer's default route, each on the balancer's own choice. Errors: traffic-unreachable. */
  sample(count: number, signal?: AbortSignal): Promise<readonly ProbeResult[]>;
}
