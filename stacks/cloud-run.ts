import { secret } from "@pulumi/pulumi";
import { AgentPlatform } from "../components/cloud-run/agent-platform.ts";
import { readCloudRunConfig } from "./config.ts";
import { currentConfig } from "./config-source.ts";

/** The agent on Cloud Run. Outputs: what the swap needs. */
export async function cloudRun(): Promise<Record<string, unknown>> {
  const { environment, leastInstances, ...settings } = readCloudRunConfig(currentConfig());
  const platform = new AgentPlatform("agent", {
    ...settings,
    environment: Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, secret(value)])),
  });
  return {
    leastInstances,
    negName: platform.endpointGroupName,
    service: platform.serviceName,
    uri: platform.uri,
    latestReadyRevision: platform.latestReadyRevision,
  };
}
