import type { InvokeFunction, ResourceType } from "../resource-type.ts";
import { certificate } from "./certificatemanager-certificate.ts";
import { certificateMap } from "./certificatemanager-certificate-map.ts";
import { certificateMapEntry } from "./certificatemanager-certificate-map-entry.ts";
import { dnsAuthorization } from "./certificatemanager-dns-authorization.ts";
import { cloudRunService } from "./cloudrunv2-service.ts";
import { cloudRunServiceIamMember } from "./cloudrunv2-service-iam-member.ts";
import { loadBalancingFunctions, loadBalancingTypes } from "./compute-load-balancing.ts";
import { network } from "./compute-network.ts";
import { router, routerNat } from "./compute-router.ts";
import { subnetwork } from "./compute-subnetwork.ts";
import { containerCluster } from "./container-cluster.ts";
import { alertPolicy } from "./monitoring-alert-policy.ts";
import { dashboard } from "./monitoring-dashboard.ts";
import { uptimeCheckConfig } from "./monitoring-uptime-check-config.ts";
import { getClientConfig, getProject } from "./organizations.ts";
import { projectIamMember } from "./projects-iam-member.ts";
import { secretIamMember } from "./secretmanager-secret-iam-member.ts";
import { serviceAccount } from "./serviceaccount-account.ts";
import { serviceAccountIamMember } from "./serviceaccount-iam-member.ts";

/** Every resource type of the gcp provider that is simulated. */
export const gcpTypes: readonly ResourceType[] = [
  alertPolicy,
  certificate,
  certificateMap,
  certificateMapEntry,
  cloudRunService,
  cloudRunServiceIamMember,
  containerCluster,
  dashboard,
  dnsAuthorization,
  ...loadBalancingTypes,
  network,
  projectIamMember,
  router,
  routerNat,
  secretIamMember,
  serviceAccount,
  serviceAccountIamMember,
  subnetwork,
  uptimeCheckConfig,
];

/** Every function of the gcp provider that is simulated. */
export const gcpFunctions: readonly InvokeFunction[] = [getClientConfig, getProject, ...loadBalancingFunctions];
