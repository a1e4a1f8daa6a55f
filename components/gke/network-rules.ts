import { agentPodLabels, agentPort } from "./agent-constants.ts";

/** Ranges from which Google's balancers and their health checks come. @see https://cloud.google.com/load-balancing/docs/health-check-concepts#ip-ranges */
export const balancerRanges = ["35.191.0.0/16", "130.211.0.0/22"] as const;

/** Where GKE's metadata server answers, which workload identity needs (Dataplane V2, which Autopilot always has). */
const metadataServer = "169.254.169.254/32";
/** GKE's node-local DNS cache. */
const nodeLocalDns = "169.254.20.10/32";

const dnsPorts = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

/**
 * Spec of the agent's NetworkPolicy: in come the balancer and its checks only, out go DNS, HTTPS and the metadata
 * server. The kubelet's probes come from the node, which policies do not concern.
 */
export function agentNetworkPolicySpec() {
  return {
    podSelector: { matchLabels: agentPodLabels },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      {
        from: balancerRanges.map((cidr) => ({ ipBlock: { cidr } })),
        ports: [{ protocol: "TCP", port: agentPort }],
      },
    ],
    egress: [
      {
        to: [
          { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
          { ipBlock: { cidr: nodeLocalDns } },
          // Cloud DNS, where a pod's resolv.conf names it directly.
          { ipBlock: { cidr: metadataServer } },
        ],
        ports: dnsPorts,
      },
      { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ protocol: "TCP", port: 443 }] },
      { to: [{ ipBlock: { cidr: metadataServer } }], ports: [{ protocol: "TCP", port: 80 }] },
    ],
  };
}
