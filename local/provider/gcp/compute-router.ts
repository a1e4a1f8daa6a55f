import type { ResourceType } from "../resource-type.ts";
import { lastSegment, textOr } from "../values.ts";
import { breaks, computeName, computeNameRule, refuseWhenInUse, selfLink, timestamp } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/compute/resource_compute_router.go. */
const replaceOn = ["name", "project", "region", "network", "encryptedInterconnectRouter", "params"] as const;

/** gcp.compute.Router: kept and reported; nothing routes through it here. */
export const router: ResourceType = {
  token: "gcp:compute/router:Router",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["creationTimestamp"],
  defaults: (_inputs, settings) => ({ project: settings.project, region: settings.region }),
  validate: (inputs) => (breaks(computeName, inputs["name"]) ? [{ property: "name", reason: computeNameRule }] : []),
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    const region = lastSegment(textOr(inputs, "region", settings.region));
    return `projects/${project}/regions/${region}/routers/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs, id) => ({ ...inputs, selfLink: selfLink("compute/v1", id) }),
  create: async (state, context) => ({ ...state.outputs, creationTimestamp: timestamp(context) }),
  delete: async (state, context) => refuseWhenInUse(state, "router", context.cloud),
};

/** ForceNew in terraform-provider-google, services/compute/resource_compute_router_nat.go. */
const natReplaceOn = [
  "name",
  "project",
  "region",
  "router",
  "autoNetworkTier",
  "endpointTypes",
  "initialNatIps",
  "type",
] as const;

/** gcp.compute.RouterNat: kept and reported; processes use the machine's own way out. */
export const routerNat: ResourceType = {
  token: "gcp:compute/routerNat:RouterNat",
  replaceOn: natReplaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: [],
  defaults: (_inputs, settings) => ({
    project: settings.project,
    region: settings.region,
    type: "PUBLIC",
    icmpIdleTimeoutSec: 30,
    tcpEstablishedIdleTimeoutSec: 1200,
    tcpTimeWaitTimeoutSec: 120,
    tcpTransitoryIdleTimeoutSec: 30,
    udpIdleTimeoutSec: 30,
  }),
  validate: (inputs) => (breaks(computeName, inputs["name"]) ? [{ property: "name", reason: computeNameRule }] : []),
  id: (inputs, settings) =>
    [
      textOr(inputs, "project", settings.project),
      lastSegment(textOr(inputs, "region", settings.region)),
      lastSegment(textOr(inputs, "router", "")),
      textOr(inputs, "name", ""),
    ].join("/"),
  outputs: (inputs) => ({ autoNetworkTier: "PREMIUM", endpointTypes: ["ENDPOINT_TYPE_VM"], ...inputs }),
};
