import { zonalGroupPath } from "../../compute/backend-services.ts";
import { healthCheckOf } from "../../compute/declared-references.ts";
import { GoogleError, invalidField } from "../../compute/google-error.ts";
import { partialPath } from "../../compute/references.ts";
import type { Properties } from "../../compute/resources.ts";
import { tokens } from "../../compute/tokens.ts";
import type { OperationContext, ResourceState, ResourceType } from "../resource-type.ts";
import { objects, text } from "../values.ts";
import {
  autoName,
  calling,
  contentFingerprint,
  creationTimestamp,
  generatedId,
  globalId,
  linkedOutputs,
  projectOfState,
  refuseWhileUsed,
  requireDeclared,
} from "./compute-resource.ts";

/** ForceNew fields of resource_compute_backend_service.go in terraform-provider-google. */
const replaceOn = ["name", "project", "params"];

/** What a backend service over serverless groups cannot have, with the API's word for it. */
const notForServerless: Readonly<Record<string, string>> = {
  timeoutSec: "Timeout sec",
  portName: "Port name",
  sessionAffinity: "Session affinity",
  localityLbPolicy: "Locality LB policy",
};
const notForServerlessBackends: Readonly<Record<string, string>> = {
  maxUtilization: "Max utilization",
  maxRate: "Max rate",
  maxRatePerEndpoint: "Max rate per endpoint",
  maxRatePerInstance: "Max rate per instance",
  maxConnections: "Max connections",
  maxConnectionsPerEndpoint: "Max connections per endpoint",
  maxConnectionsPerInstance: "Max connections per instance",
};

export const backendService: ResourceType = {
  token: tokens.backendService,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "fingerprint", "generatedId", "selfLink"],
  defaults: (_inputs, settings) => ({
    project: settings.project,
    loadBalancingScheme: "EXTERNAL",
    connectionDrainingTimeoutSec: 300,
  }),
  id: (inputs, settings) => globalId("backendServices", inputs, settings),
  outputs: (inputs, id) => ({ protocol: "HTTP", ...linkedOutputs(inputs, id) }),
  async create(state, context) {
    await calling("Error creating BackendService", () => check(state, context));
    return {
      creationTimestamp: creationTimestamp(context),
      generatedId: generatedId(state, context),
      fingerprint: contentFingerprint(state.inputs),
    };
  },
  async update(state, _previous, context) {
    await calling(`Error updating BackendService "${state.id}"`, () => check(state, context));
    return { fingerprint: contentFingerprint(state.inputs) };
  },
  delete: (state, context) => refuseWhileUsed("BackendService", "backend_service", state, context),
};

/** The API's rules. Errors: GoogleError. */
function check(state: ResourceState, context: OperationContext): void {
  const { inputs } = state;
  const project = projectOfState(state, context);
  const scheme = text(inputs, "loadBalancingScheme") ?? "EXTERNAL";
  if (scheme !== "EXTERNAL" && scheme !== "EXTERNAL_MANAGED") {
    throw invalidField(
      "resource.loadBalancingScheme",
      scheme,
      "The local cloud simulates EXTERNAL_MANAGED (and EXTERNAL) backend services.",
    );
  }
  const backends = objects(inputs, "backends");
  const groups = backends.map((backend) => partialPath(text(backend, "group") ?? "", project));
  const serverless = groups.filter((group) => /\/regions\/[^/]+\/networkEndpointGroups\//.test(group));
  const reference = healthCheckOf(inputs["healthChecks"]);
  groups.forEach((group, index) => {
    if (groups.indexOf(group) !== index) {
      throw invalidField(`resource.backends[${index}].group`, group, "Duplicate group in backends.");
    }
    requireGroup(group, project, context);
  });
  if (serverless.length > 0) {
    if (serverless.length < groups.length) {
      throw invalidField(
        "resource.backends",
        "",
        "A backend service cannot mix Serverless network endpoint groups with other kinds of backends.",
      );
    }
    checkServerless(inputs, backends, reference !== null);
  } else if (groups.length > 0 && reference === null) {
    throw invalidField(
      "resource.healthChecks",
      "",
      "A health check must be specified for a backend service with instance group or zonal network endpoint group backends.",
    );
  }
  if (reference !== null) requireDeclared([tokens.healthCheck], reference, project, context);
}

function checkServerless(inputs: Properties, backends: readonly Properties[], hasHealthCheck: boolean): void {
  if (hasHealthCheck) {
    throw invalidField(
      "resource.healthChecks",
      "",
      "A backend service cannot have a healthcheck with Serverless network endpoint group backends.",
    );
  }
  for (const [name, words] of Object.entries(notForServerless)) {
    const value = inputs[name];
    if (value === undefined || (name === "sessionAffinity" && value === "NONE")) continue;
    throw invalidField(
      `resource.${name}`,
      value,
      `${words} is not supported for a backend service with Serverless network endpoint groups.`,
    );
  }
  backends.forEach((backend, index) => {
    for (const [name, words] of Object.entries(notForServerlessBackends)) {
      if (backend[name] === undefined) continue;
      throw invalidField(
        `resource.backends[${index}].${name}`,
        backend[name],
        `${words} is not supported for Serverless network endpoint groups.`,
      );
    }
    const mode = backend["balancingMode"];
    if (mode !== undefined && mode !== "UTILIZATION") {
      throw invalidField(
        `resource.backends[${index}].balancingMode`,
        mode,
        "Balancing mode is not supported for Serverless network endpoint groups.",
      );
    }
  });
}

/** Errors: GoogleError 404 when there is no such group, 400 when it is of a kind that is not simulated. */
function requireGroup(group: string, project: string, context: OperationContext): void {
  if (/\/regions\/[^/]+\/networkEndpointGroups\/[^/]+$/.test(group)) {
    requireDeclared([tokens.endpointGroup], group, project, context);
    return;
  }
  if (!/\/zones\/[^/]+\/networkEndpointGroups\/[^/]+$/.test(group)) {
    throw invalidField(
      "resource.backends[].group",
      group,
      "The local cloud simulates zonal and serverless network endpoint groups as backends.",
    );
  }
  const known = context.cloud.compute
    .endpointGroups(/^projects\/([^/]+)\//.exec(group)?.[1] ?? project)
    .some((entry) => zonalGroupPath(entry.project, entry.zone, entry.name) === group);
  if (!known) throw new GoogleError(404, "notFound", `The resource '${group}' was not found`);
}
