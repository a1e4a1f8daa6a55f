import type { Platform } from "../ports/platform.ts";
import { cloudRunAgentClient } from "./agent-cloud-run.ts";
import type { PlatformContext } from "./platform-context.ts";

/** Cloud Run: its serverless endpoint group is part of its own stack, so there is nothing to wait for. */
export function createCloudRunPlatform(context: PlatformContext): Platform {
  return {
    name: "cloud-run",
    agent: () => cloudRunAgentClient.connect(context.route),
    trafficConfig: async () => ({}),
  };
}
