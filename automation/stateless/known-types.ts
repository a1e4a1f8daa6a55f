/** Types that rules look into or that hold nothing. Every other one is a "cannot tell". */
import { kindOf, workloadKinds } from "./subject.ts";

/** Kubernetes kinds by API group, "" for core. Those with rules of their own are here, too. */
const kubernetesKinds: Readonly<Record<string, readonly string[]>> = {
  "": [
    ...["Namespace", "Service", "ServiceAccount", "ConfigMap", "Secret", "Endpoints", "Event", "LimitRange", "Node"],
    ...["ResourceQuota", "PersistentVolumeClaim", "PersistentVolume"],
  ],
  "admissionregistration.k8s.io": [
    ...["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy"],
    "ValidatingAdmissionPolicyBinding",
  ],
  "apiextensions.k8s.io": ["CustomResourceDefinition"],
  "apiregistration.k8s.io": ["APIService"],
  autoscaling: ["HorizontalPodAutoscaler"],
  "autoscaling.k8s.io": ["VerticalPodAutoscaler"],
  "certificates.k8s.io": ["CertificateSigningRequest"],
  "coordination.k8s.io": ["Lease"],
  "discovery.k8s.io": ["EndpointSlice"],
  extensions: ["Ingress"],
  "flowcontrol.apiserver.k8s.io": ["FlowSchema", "PriorityLevelConfiguration"],
  "networking.k8s.io": ["Ingress", "IngressClass", "NetworkPolicy"],
  "node.k8s.io": ["RuntimeClass"],
  policy: ["PodDisruptionBudget", "PodSecurityPolicy"],
  "rbac.authorization.k8s.io": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "scheduling.k8s.io": ["PriorityClass"],
  "storage.k8s.io": ["CSIDriver", "StorageClass"],
  "snapshot.storage.k8s.io": ["VolumeSnapshotClass"],
  "gateway.networking.k8s.io": [
    ...["BackendLBPolicy", "BackendTLSPolicy", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"],
    ...["TCPRoute", "TLSRoute"],
  ],
  "gateway.networking.x-k8s.io": ["XBackendTrafficPolicy"],
  "networking.istio.io": ["DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "VirtualService"],
  "security.istio.io": ["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"],
  "telemetry.istio.io": ["Telemetry"],
  "cert-manager.io": ["Certificate", "CertificateRequest", "ClusterIssuer", "Issuer"],
  "monitoring.coreos.com": ["PodMonitor", "Probe", "PrometheusRule", "ServiceMonitor"],
  "monitoring.googleapis.com": ["ClusterPodMonitoring", "PodMonitoring", "Rules"],
  "external-secrets.io": ["ClusterExternalSecret", "ClusterSecretStore", "ExternalSecret", "SecretStore"],
  "secrets-store.csi.x-k8s.io": ["SecretProviderClass", "SecretProviderClassPodStatus"],
  "keda.sh": ["ScaledObject", "TriggerAuthentication"],
  "cloud.google.com": ["BackendConfig"],
  "networking.gke.io": [
    ...["FrontendConfig", "GCPBackendPolicy", "GCPGatewayPolicy", "GCPSessionAffinityPolicy", "HealthCheckPolicy"],
    ...["ManagedCertificate", "ServiceNetworkEndpointGroup"],
  ],
  "traefik.io": ["IngressRoute", "Middleware", "TLSOption"],
  "traefik.containo.us": ["IngressRoute", "Middleware", "TLSOption"],
};

/** Pulumi tokens of Google's provider that hold nothing a swap would lose. A pattern is the whole of module/type. */
const googleTypes: readonly RegExp[] = [
  /^compute\/(network|subnetwork|router|routerNat|route|firewall|networkPeering)$/,
  /^compute\/(address|globalAddress|globalForwardingRule|forwardingRule|targetHttpProxy|targetHttpsProxy)$/,
  /^compute\/(regionTargetHttpProxy|regionTargetHttpsProxy|uRLMap|regionUrlMap|backendService|regionBackendService)$/,
  /^compute\/(healthCheck|regionHealthCheck|managedSslCertificate|sSLCertificate|sSLPolicy|securityPolicy)$/,
  /^compute\/(networkEndpointGroup|regionNetworkEndpointGroup|globalNetworkEndpointGroup)$/,
  /^certificatemanager\/(certificate|certificateMap|certificateMapEntry|dnsAuthorization)$/,
  /^serviceaccount\/(account|iAMBinding|iAMMember|iAMPolicy)$/,
  /^projects\/(iAMBinding|iAMMember|service|iAMCustomRole)$/,
  /^cloudrunv2\/(service|workerPool|job)Iam(Binding|Member|Policy)$/,
  /^container\/(cluster|nodePool)$/,
  /^dns\/(managedZone|recordSet)$/,
  /^monitoring\/(alertPolicy|dashboard|notificationChannel|uptimeCheckConfig|customService|slo)$/,
  /^logging\/(metric|projectSink)$/,
  // Their content is configuration: a swap needs it on both sides, and the stacks only refer to it.
  /^secretmanager\/(secret|secretVersion|secretIamBinding|secretIamMember)$/,
  /^artifactregistry\/(repository|repositoryIamMember)$/,
];

/** Whether the rules can judge the type. What they find in it is another matter. */
export function isKnownType(type: string): boolean {
  const { group, kind } = kindOf(type);
  if (group !== undefined)
    return workloadKinds.includes(`${group}/${kind}`) || (kubernetesKinds[group]?.includes(kind) ?? false);
  // Components and the stack hold nothing themselves: what is in them comes on its own. So do provider configurations.
  if (kind.startsWith("pulumi:") || kind.startsWith("switchyard:")) return true;
  if (workloadKinds.includes(kind)) return true;
  const google = /^gcp:(\w+\/\w+):\w+$/.exec(kind)?.[1];
  return google !== undefined && googleTypes.some((pattern) => pattern.test(google));
}
