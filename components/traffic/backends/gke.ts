import { agentPort } from "../../gke/agent-constants.ts";
import { balancerRanges } from "../../gke/network-rules.ts";
import { networkName, nodeTag, platformName, resourceName } from "../../shared/naming.ts";
import { checkDistinct, type Problem } from "../../shared/validation.ts";
import {
  type BackendPlan,
  type BackendSettings,
  fullLog,
  type PlatformBackend,
  zonalGroupUrl,
} from "./backend-plan.ts";

const platform = "gke";

/** GKE: one endpoint group per zone, made by GKE itself; checked by the balancer, which enters through a firewall rule. */
export const gkeBackend: PlatformBackend = { platform, problems, plan };

function problems(settings: BackendSettings): Problem[] {
  const zones = settings.zones[platform] ?? [];
  const zone = new RegExp(`^${settings.region}-[a-z]$`);
  return [
    ...checkDistinct("zones.gke", zones, 1),
    ...zones
      .map((value, index) => ({ path: `zones.gke[${index}]`, value, allowed: `a zone of region ${settings.region}` }))
      .filter((problem) => !zone.test(problem.value)),
  ];
}

function plan(settings: BackendSettings): BackendPlan {
  const { prefix, project } = settings;
  const name = platformName(prefix, platform);
  return {
    backendService: {
      name,
      project,
      loadBalancingScheme: "EXTERNAL_MANAGED",
      protocol: "HTTP",
      backends: (settings.zones[platform] ?? []).map((zone) => ({
        group: zonalGroupUrl(project, zone, name),
        balancingMode: "RATE",
        maxRatePerEndpoint: settings.maxRatePerEndpoint,
        capacityScaler: 1,
      })),
      // The default of 30 s would cut long agent calls.
      timeoutSec: settings.requestTimeoutSeconds,
      connectionDrainingTimeoutSec: settings.drainSeconds,
      logConfig: fullLog,
    },
    healthCheck: {
      name: resourceName("compute", prefix, platform, "ready"),
      project,
      checkIntervalSec: 5,
      timeoutSec: 5,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
      httpHealthCheck: { portSpecification: "USE_SERVING_PORT", requestPath: "/ready" },
    },
    firewall: {
      name: resourceName("compute", prefix, platform, "balancer"),
      project,
      network: networkName(prefix),
      direction: "INGRESS",
      sourceRanges: [...balancerRanges],
      targetTags: [nodeTag(prefix)],
      allows: [{ protocol: "tcp", ports: [String(agentPort)] }],
    },
  };
}
