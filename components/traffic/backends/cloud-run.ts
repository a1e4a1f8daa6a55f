import { platformName } from "../../shared/naming.ts";
import {
  type BackendPlan,
  type BackendSettings,
  fullLog,
  type PlatformBackend,
  regionalGroupUrl,
} from "./backend-plan.ts";

const platform = "cloud-run";

/**
 * Cloud Run: one serverless endpoint group. The API refuses or ignores health checks, timeout, port name, balancing
 * mode, utilisation, session affinity and locality policy here, so none is given: the service itself decides.
 */
export const cloudRunBackend: PlatformBackend = { platform, problems: () => [], plan };

function plan(settings: BackendSettings): BackendPlan {
  const { prefix, project, region } = settings;
  const name = platformName(prefix, platform);
  return {
    backendService: {
      name,
      project,
      loadBalancingScheme: "EXTERNAL_MANAGED",
      backends: [{ group: regionalGroupUrl(project, region, name) }],
      logConfig: fullLog,
    },
  };
}
