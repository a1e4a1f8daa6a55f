import { tokens } from "../../compute/tokens.ts";
import { UNKNOWN } from "../properties.ts";
import type { CheckFailure, ResourceType } from "../resource-type.ts";
import { object, text, textOr } from "../values.ts";
import { autoName, linkedOutputs, refuseWhileUsed, scopedId } from "./compute-resource.ts";

/** Every field of resource_compute_region_network_endpoint_group.go in terraform-provider-google is ForceNew. */
const replaceOn = [
  "name",
  "project",
  "region",
  "description",
  "networkEndpointType",
  "cloudRun",
  "cloudFunction",
  "appEngine",
  "serverlessDeployment",
  "network",
  "subnetwork",
  "pscData",
  "pscTargetService",
];

export const regionNetworkEndpointGroup: ResourceType = {
  token: tokens.endpointGroup,
  replaceOn,
  autoName,
  unknownAtPreview: ["selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project, networkEndpointType: "SERVERLESS" }),
  validate(inputs) {
    const failures: CheckFailure[] = [];
    const kind = text(inputs, "networkEndpointType");
    if (kind !== "SERVERLESS") {
      failures.push({
        property: "networkEndpointType",
        reason: `the local cloud simulates SERVERLESS only, not ${kind}`,
      });
    }
    if (inputs["cloudRun"] === undefined) {
      failures.push({
        property: "cloudRun",
        reason: "the local cloud simulates Cloud Run groups only; it must be given",
      });
    }
    const run = object(inputs, "cloudRun");
    for (const name of ["tag", "urlMask"]) {
      if (run[name] !== undefined) {
        failures.push({
          property: `cloudRun.${name}`,
          reason: "is not simulated by the local cloud; name the service",
        });
      }
    }
    return failures;
  },
  id: (inputs, settings) =>
    scopedId(`regions/${textOr(inputs, "region", UNKNOWN)}`, "networkEndpointGroups", inputs, settings),
  outputs: linkedOutputs,
  delete: (state, context) => refuseWhileUsed("RegionNetworkEndpointGroup", "network_endpoint_group", state, context),
};
