import type { InvokeFunction, ResourceType } from "../resource-type.ts";
import { backendService } from "./compute-backend-service.ts";
import { firewall } from "./compute-firewall.ts";
import { getNetworkEndpointGroup, getNetworkEndpointGroups } from "./compute-get-network-endpoint-group.ts";
import { globalAddress } from "./compute-global-address.ts";
import { globalForwardingRule } from "./compute-global-forwarding-rule.ts";
import { healthCheck } from "./compute-health-check.ts";
import { regionNetworkEndpointGroup } from "./compute-region-network-endpoint-group.ts";
import { targetHttpProxy } from "./compute-target-http-proxy.ts";
import { targetHttpsProxy } from "./compute-target-https-proxy.ts";
import { urlMap } from "./compute-url-map.ts";

/** The load-balancing types of gcp.compute. */
export const loadBalancingTypes: readonly ResourceType[] = [
  backendService,
  firewall,
  globalAddress,
  globalForwardingRule,
  healthCheck,
  regionNetworkEndpointGroup,
  targetHttpProxy,
  targetHttpsProxy,
  urlMap,
];

export const loadBalancingFunctions: readonly InvokeFunction[] = [getNetworkEndpointGroup, getNetworkEndpointGroups];
