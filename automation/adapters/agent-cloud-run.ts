import { SwitchyardError } from "../errors.ts";
import { type AgentClient, platformHeader } from "./agent-client.ts";
import { createHttpAgent } from "./agent-http.ts";
import { isConfidential } from "./loopback.ts";

/** The agent on Cloud Run, through the balancer's dark route; with an identity token where the service wants one. */
export const cloudRunAgentClient: AgentClient = {
  platform: "cloud-run",
  connect: (route) =>
    createHttpAgent({
      platform: "cloud-run",
      baseUrl: route.baseUrl,
      async headers() {
        const routing = { host: route.darkHost, [platformHeader]: "cloud-run", ...route.traceHeaders?.() };
        if (route.identityToken === undefined) return routing;
        if (!isConfidential(new URL(route.baseUrl))) {
          throw new SwitchyardError("credentials-over-http", {
            message: `the identity token for cloud-run would go over plain HTTP to ${new URL(route.baseUrl).host}`,
          });
        }
        return { ...routing, authorization: `Bearer ${await route.identityToken()}` };
      },
    }),
};
