import type { Clock } from "../ports/clock.ts";
import type { NetworkEndpointGroups } from "../ports/network-endpoint-groups.ts";
import type { AgentRoute } from "./agent-client.ts";

/** What a platform may need to be reached. */
export interface PlatformContext {
  readonly route: AgentRoute;
  readonly groups: NetworkEndpointGroups;
  readonly clock: Clock;
}
