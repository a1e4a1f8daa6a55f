import { tokens } from "../../compute/tokens.ts";
import type { ResourceType } from "../resource-type.ts";
import { autoName, creationTimestamp, globalId, linkedOutputs, refuseWhileUsed } from "./compute-resource.ts";

/** ForceNew fields of resource_compute_global_address.go in terraform-provider-google: all but the labels. */
const replaceOn = [
  "name",
  "project",
  "address",
  "addressType",
  "description",
  "ipVersion",
  "network",
  "prefixLength",
  "purpose",
];

/** Every address of the local cloud is loopback: that is where its listeners are. */
const loopback = "127.0.0.1";

export const globalAddress: ResourceType = {
  token: tokens.address,
  replaceOn,
  autoName,
  unknownAtPreview: ["address", "creationTimestamp", "labelFingerprint", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project, addressType: "EXTERNAL" }),
  id: (inputs, settings) => globalId("addresses", inputs, settings),
  outputs: (inputs, id) => ({ address: loopback, ...linkedOutputs(inputs, id) }),
  create: async (_state, context) => ({
    creationTimestamp: creationTimestamp(context),
    labelFingerprint: "42WmSpB8rSM=",
  }),
  delete: (state, context) => refuseWhileUsed("GlobalAddress", "address", state, context),
};
