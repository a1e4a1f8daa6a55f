/** Requests of our own that count like a user's, for gates that would otherwise see silence. */
export interface SyntheticLoad {
  /** Sends `count` requests through the balancer's default route; they appear in the request feed. Errors: traffic-unreachable. */
  send(count: number, signal?: AbortSignal): Promise<void>;
}
