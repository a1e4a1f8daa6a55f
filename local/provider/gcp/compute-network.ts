import type { ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { breaks, computeName, computeNameRule, numericId, refuseWhenInUse, selfLink } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/compute/resource_compute_network.go. */
const replaceOn = [
  "name",
  "project",
  "autoCreateSubnetworks",
  "description",
  "internalIpv6Range",
  "networkProfile",
  "params",
] as const;

/** gcp.compute.Network: kept and reported; nothing routes through it here. */
export const network: ResourceType = {
  token: "gcp:compute/network:Network",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["networkId", "numericId"],
  defaults: (_inputs, settings) => ({
    project: settings.project,
    autoCreateSubnetworks: true,
    deleteBgpAlwaysCompareMed: false,
    deleteDefaultRoutesOnCreate: false,
    networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
  }),
  validate: (inputs) => (breaks(computeName, inputs["name"]) ? [{ property: "name", reason: computeNameRule }] : []),
  id: (inputs, settings) =>
    `projects/${textOr(inputs, "project", settings.project)}/global/networks/${textOr(inputs, "name", "")}`,
  outputs: (inputs, id) => ({
    mtu: 1460,
    routingMode: "REGIONAL",
    bgpBestPathSelectionMode: "LEGACY",
    deletionPolicy: "DELETE",
    ...inputs,
    gatewayIpv4: "",
    networkId: numericId(id),
    numericId: numericId(id),
    selfLink: selfLink("compute/v1", id),
  }),
  delete: async (state, context) => refuseWhenInUse(state, "network", context.cloud),
};
