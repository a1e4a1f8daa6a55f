import { type AgentClient, platformHeader } from "./agent-client.ts";
import { createHttpAgent } from "./agent-http.ts";

/** The agent on GKE, through the balancer's dark route. */
export const gkeAgentClient: AgentClient = {
  platform: "gke",
  connect: (route) =>
    createHttpAgent({
      platform: "gke",
      baseUrl: route.baseUrl,
      headers: async () => ({
        host: route.darkHost,
        [platformHeader]: "gke",
        ...route.traceHeaders?.(),
      }),
    }),
};
