import type { KiroAgent } from "./agent.ts";
import type { ConfigValues } from "./stack-engine.ts";

/**
 * A place where the agent can run. Adding one means: a stack program of the same name, an adapter that implements this,
 * and its line in the registration.
 */
export interface Platform {
  /** gke, cloud-run: also the program's name and the backend's. */
  readonly name: string;
  /**
   * Waits for what the balancer needs to reach the platform (endpoint groups appear some time after the workload) and
   * returns the traffic stack's settings for it. Errors: endpoints-missing, traffic-unreachable.
   */
  trafficConfig(outputs: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<ConfigValues>;
  /** The agent on this platform, whatever the weights are: by the balancer's dark route. */
  agent(): KiroAgent;
}
