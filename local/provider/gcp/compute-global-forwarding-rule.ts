import type { ForwardingRule } from "../../compute/compute.ts";
import { invalidField } from "../../compute/google-error.ts";
import { partialPath } from "../../compute/references.ts";
import { tokens } from "../../compute/tokens.ts";
import type { OperationContext, ResourceState, ResourceType } from "../resource-type.ts";
import { text } from "../values.ts";
import {
  autoName,
  calling,
  generatedId,
  globalId,
  linkedOutputs,
  projectOfState,
  requireDeclared,
} from "./compute-resource.ts";

/** ForceNew fields of resource_compute_global_forwarding_rule.go in terraform-provider-google: all but target and labels. */
const replaceOn = [
  "name",
  "project",
  "description",
  "ipAddress",
  "ipProtocol",
  "ipVersion",
  "loadBalancingScheme",
  "metadataFilters",
  "network",
  "networkTier",
  "noAutomateDnsZone",
  "portRange",
  "serviceDirectoryRegistrations",
  "sourceIpRanges",
  "subnetwork",
];

/** A rule opens one listener on loopback. The https proxy's listener takes clear text and stands for https. */
export const globalForwardingRule: ResourceType = {
  token: tokens.forwardingRule,
  replaceOn,
  autoName,
  unknownAtPreview: ["baseForwardingRule", "forwardingRuleId", "labelFingerprint", "pscConnectionId", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project, loadBalancingScheme: "EXTERNAL" }),
  id: (inputs, settings) => globalId("forwardingRules", inputs, settings),
  outputs: (inputs, id) => ({
    ipAddress: "127.0.0.1",
    ipProtocol: "TCP",
    networkTier: "PREMIUM",
    ...linkedOutputs(inputs, id),
  }),
  async create(state, context) {
    await calling("Error creating GlobalForwardingRule", () => open(state, context));
    return {
      baseForwardingRule: "",
      forwardingRuleId: generatedId(state, context),
      labelFingerprint: "42WmSpB8rSM=",
      pscConnectionId: "",
    };
  },
  async update(state, _previous, context) {
    await calling(`Error updating GlobalForwardingRule "${state.id}"`, () => open(state, context));
    return undefined;
  },
  delete: (state, context) => context.cloud.compute.listeners.close(state.id),
  async restore(state, context) {
    await open(state, context);
  },
};

async function open(state: ResourceState, context: OperationContext): Promise<void> {
  const portRange = text(state.inputs, "portRange") ?? "";
  const ports = /^(\d+)(?:-(\d+))?$/.exec(portRange);
  if (ports === null || (ports[2] !== undefined && ports[2] !== ports[1])) {
    throw invalidField("resource.portRange", portRange, "A load balancer's forwarding rule needs exactly one port.");
  }
  await context.cloud.compute.listeners.open(forwardingRule(state, context));
}

function forwardingRule(state: ResourceState, context: OperationContext): ForwardingRule {
  const project = projectOfState(state, context);
  const reference = text(state.inputs, "target") ?? "";
  const target = requireDeclared([tokens.httpsProxy, tokens.httpProxy], reference, project, context);
  const isHttps = context.cloud.resources.get(tokens.httpsProxy, partialPath(target, project)) !== undefined;
  return { path: state.id, project, scheme: isHttps ? "https" : "http", target };
}
