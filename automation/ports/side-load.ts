/** What is in flight on a side of the balancer. */
export interface SideLoad {
  /** "unknown" where the balancer cannot say: the drain then takes its whole time. Errors: feed-unreachable. */
  inFlight(platform: string, signal?: AbortSignal): Promise<number | "unknown">;
}
