/** Share of the requests per platform, in percent with at most one decimal; the sum is 100. */
export type Weights = Readonly<Record<string, number>>;

export interface TrafficState {
  /** The entries that the balancer has. A platform at 0 has an entry and gets nothing; one that is absent has none. */
  readonly weights: Weights;
  /** Changes with every change of the balancer's map; a write must quote it. */
  readonly fingerprint: string;
}

/** The balancer's weights. The engine owns them; Pulumi creates the map and ignores them. */
export interface TrafficRouter {
  /** Errors: traffic-unreachable, traffic-not-found, traffic-reply-invalid. */
  read(signal?: AbortSignal): Promise<TrafficState>;
  /**
   * Replaces all entries if the fingerprint still holds. Resolves when the API has accepted the change, which says
   * nothing about the data plane. Errors: fingerprint-conflict (nothing changed), traffic-unreachable.
   */
  write(weights: Weights, fingerprint: string, signal?: AbortSignal): Promise<TrafficState>;
}
