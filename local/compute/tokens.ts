/** Pulumi tokens of the load-balancing types. */
export const tokens = {
  address: "gcp:compute/globalAddress:GlobalAddress",
  backendService: "gcp:compute/backendService:BackendService",
  endpointGroup: "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup",
  firewall: "gcp:compute/firewall:Firewall",
  forwardingRule: "gcp:compute/globalForwardingRule:GlobalForwardingRule",
  healthCheck: "gcp:compute/healthCheck:HealthCheck",
  httpProxy: "gcp:compute/targetHttpProxy:TargetHttpProxy",
  httpsProxy: "gcp:compute/targetHttpsProxy:TargetHttpsProxy",
  urlMap: "gcp:compute/uRLMap:URLMap",
} as const;
