import type { Cloud } from "../../daemon/cloud.ts";
import { isUnknown } from "../properties.ts";
import type { CheckFailure, OperationContext, Properties, ResourceState, ResourceType } from "../resource-type.ts";
import { flag, lastSegment, list, object, text, textOr } from "../values.ts";
import { breaks, etagOf, refuseWhenProtected, selfLink } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/container/resource_container_cluster.go. */
const replaceOn = [
  "name",
  "project",
  "location",
  "description",
  "network",
  "subnetwork",
  "networkingMode",
  "ipAllocationPolicy",
  "enableAutopilot",
  "clusterIpv4Cidr",
  "defaultMaxPodsPerNode",
  "enableKubernetesAlpha",
  "enableTpu",
  "enableMultiNetworking",
  "initialNodeCount",
  "confidentialNodes",
  "datapathProvider",
  "masterAuth",
  "privateClusterConfig.enablePrivateNodes",
  "privateClusterConfig.masterIpv4CidrBlock",
  "privateClusterConfig.privateEndpointSubnetwork",
] as const;

/** Of the local cluster's API, which follows this release of Kubernetes. */
const masterVersion = "1.36.0-gke.1";

/** What stands in place of a certificate: the local control plane is no server, so there is nothing to verify. */
const clusterCaCertificate = Buffer.from(
  "The control plane of a local cluster is reached through the provider only.\n",
).toString("base64");

/**
 * gcp.container.Cluster in Autopilot mode: creating it makes a cluster in memory whose endpoint a kubeconfig can name.
 * Node pools are not simulated.
 */
export const containerCluster: ResourceType = {
  token: "gcp:container/cluster:Cluster",
  replaceOn,
  autoName: { property: "name", maxLength: 40 },
  unknownAtPreview: ["endpoint", "masterAuth", "masterVersion", "servicesIpv4Cidr", "labelFingerprint", "nodeVersion"],
  secretOutputs: ["masterAuth.clientKey"],
  defaults: (_inputs, settings) => ({
    project: settings.project,
    location: settings.zone,
    networkingMode: "VPC_NATIVE",
    network: "default",
    deletionProtection: true,
    enableKubernetesAlpha: false,
    enableLegacyAbac: false,
    enableShieldedNodes: true,
  }),
  validate,
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/locations/${textOr(inputs, "location", settings.zone)}/clusters/${textOr(inputs, "name", "")}`;
  },
  outputs,
  create: async (state, context) => {
    await make(state, context);
    return state.outputs;
  },
  read: async (state, context) => (context.cloud.clusters.get(endpointOf(state.id)) === undefined ? undefined : state),
  restore: make,
  delete: async (state, context) => {
    refuseWhenProtected(state, "cluster");
    const endpoint = endpointOf(state.id);
    await context.cloud.clusters.delete(endpoint);
    await forgetObjects(endpoint, context.cloud);
  },
};

async function make(state: ResourceState, context: OperationContext): Promise<void> {
  await context.cloud.clusters.create({
    name: textOr(state.inputs, "name", ""),
    endpoint: endpointOf(state.id),
    project: textOr(state.inputs, "project", context.settings.project),
    location: textOr(state.inputs, "location", context.settings.region),
  });
}

/** What was declared in a cluster goes with it. */
async function forgetObjects(endpoint: string, cloud: Cloud): Promise<void> {
  for (const resource of cloud.resources.list()) {
    if (resource.cluster === endpoint) await cloud.resources.delete(resource.type, resource.id, endpoint);
  }
}

/**
 * The address that stands for the control plane, NAME.LOCATION.PROJECT.gke.localhost: names below localhost never leave the
 * machine.
 */
export function endpointOf(id: string): string {
  const [, project = "", , location = "", , name = ""] = id.split("/");
  return `${name}.${location}.${project}.gke.localhost`;
}

function outputs(inputs: Properties, id: string): Properties {
  const location = textOr(inputs, "location", "");
  const zones = list(inputs, "nodeLocations");
  const name = textOr(inputs, "name", "");
  return {
    databaseEncryption: { state: "DECRYPTED", keyName: "" },
    datapathProvider: "ADVANCED_DATAPATH",
    defaultMaxPodsPerNode: 110,
    loggingService: "logging.googleapis.com/kubernetes",
    monitoringService: "monitoring.googleapis.com/kubernetes",
    nodePools: [],
    ...inputs,
    clusterIpv4Cidr: textOr(inputs, "clusterIpv4Cidr", "10.4.0.0/14"),
    endpoint: endpointOf(id),
    labelFingerprint: etagOf(object(inputs, "resourceLabels")),
    masterAuth: {
      clientCertificate: "",
      clientCertificateConfig: { issueClientCertificate: false },
      clientKey: "",
      clusterCaCertificate,
    },
    masterVersion,
    network: networkName(inputs, id),
    nodeLocations: zones.length > 0 ? [...zones] : zonesOf(location),
    nodeVersion: masterVersion,
    operation: "",
    selfLink: selfLink("container/v1", id),
    servicesIpv4Cidr: "10.8.0.0/20",
    subnetwork: textOr(inputs, "subnetwork", `projects/${id.split("/")[1]}/regions/${location}/subnetworks/${name}`),
  };
}

/** The three zones of a region. */
function zonesOf(region: string): string[] {
  return isUnknown(region) ? [] : ["a", "b", "c"].map((zone) => `${region}-${zone}`);
}

function networkName(inputs: Properties, id: string): string {
  const given = textOr(inputs, "network", "default");
  if (isUnknown(given)) return given;
  return `projects/${id.split("/")[1]}/global/networks/${lastSegment(given)}`;
}

function validate(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (flag(inputs, "enableAutopilot") !== true && !isUnknown(inputs["enableAutopilot"])) {
    failures.push({
      property: "enableAutopilot",
      reason: "The local cloud simulates Autopilot clusters only: set it to true.",
    });
  }
  if (/-[a-z]$/.test(text(inputs, "location") ?? "")) {
    failures.push({
      property: "location",
      reason: `Autopilot clusters must be regional: give a region such as us-central1, not the zone ${text(inputs, "location")}.`,
    });
  }
  if (breaks(/^[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?$/, inputs["name"])) {
    failures.push({
      property: "name",
      reason: "Must be 1 to 40 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen.",
    });
  }
  return failures;
}
