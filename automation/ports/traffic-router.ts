/** Share of the requests per platform, in percent with at most one decimal; the sum is 100. */
export type Weights = Readonly<Record<string, number>>;

export interface TrafficState {
  /** The entries that the balancer has. A platform at 0 has an entry and gets nothing; one that is absent has none. */
  readonly weights: Weights;
  /** Changes with every change of the balancer's map; a write must quote it. */
  readonly fingerprint: string;
  /** Fencing token of the lease under which the map was written last; 0 when it never was. */
  readonly fence: number;
}

/** The balancer's weights. The engine owns them; Pulumi creates the map and ignores them. */
export interface TrafficRouter {
  /** Errors: traffic-unreachable, traffic-not-found, traffic-reply-invalid. */
  read(signal?: AbortSignal): Promise<TrafficState>;
  /**
   * Replaces all entries and stamps the map with the fencing token, if the fingerprint still holds. The caller has read the
   * map and seen that its fence is not higher than its own. Resolves when the API has accepted the change, which says
   * nothing about the data plane. Errors: fingerprint-conflict (nothing changed), traffic-unreachable.
   */
  write(weights: Weights, fingerprint: string, fence: number, signal?: AbortSignal): Promise<TrafficState>;
}
