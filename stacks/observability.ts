import { AgentMonitoring } from "../components/observability/agent-monitoring.ts";
import { readObservabilityConfig } from "./config.ts";
import { currentConfig } from "./config-source.ts";

/** What watches the agent. Outputs: where to look. */
export async function observability(): Promise<Record<string, unknown>> {
  const { region: _, ...settings } = readObservabilityConfig(currentConfig());
  const monitoring = new AgentMonitoring("monitoring", settings);
  return {
    uptimeCheckId: monitoring.uptimeCheckId,
    dashboardId: monitoring.dashboardId,
    alertPolicies: monitoring.alertPolicies,
  };
}
