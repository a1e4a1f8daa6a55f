import type { AgentClient } from "./agent-client.ts";
import { cloudRunAgentClient } from "./agent-cloud-run.ts";
import { gkeAgentClient } from "./agent-gke.ts";

/** The client of every platform, by its name. A further platform is a further file and a line here. */
export const agentClients: ReadonlyMap<string, AgentClient> = new Map(
  [gkeAgentClient, cloudRunAgentClient].map((client) => [client.platform, client]),
);
