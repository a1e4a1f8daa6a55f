import { secret } from "@pulumi/pulumi";
import { AgentPlatform } from "../components/gke/agent-platform.ts";
import { readGkeConfig } from "./config.ts";
import { currentConfig } from "./config-source.ts";

/** The agent on GKE. Outputs: what the swap needs, and a kubeconfig for people. */
export async function gke(): Promise<Record<string, unknown>> {
  const { environment, leastInstances, ...settings } = readGkeConfig(currentConfig());
  const platform = new AgentPlatform("agent", {
    ...settings,
    environment: Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, secret(value)])),
  });
  return {
    leastInstances,
    negName: platform.endpointGroupName,
    zones: platform.zones,
    namespace: platform.namespace,
    deployment: platform.deploymentName,
    cluster: platform.clusterName,
    endpoint: platform.endpoint,
    kubeconfig: platform.kubeconfig,
  };
}
