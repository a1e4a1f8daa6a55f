import type { CloudRunServiceStatus } from "../../cloud-run/service-status.ts";
import { InitializationError } from "../errors.ts";
import type { CheckFailure, OperationContext, Properties, ResourceState, ResourceType } from "../resource-type.ts";
import { list, object, objects, text, textOr } from "../values.ts";
import { breaks, numericId, refuseWhenProtected, timestamp } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/cloudrunv2/resource_cloud_run_v2_service.go. */
const replaceOn = ["location", "name", "project"] as const;

/** What the service reports about itself. */
const reported = [
  "conditions",
  "createTime",
  "etag",
  "generation",
  "lastModifier",
  "latestCreatedRevision",
  "latestReadyRevision",
  "observedGeneration",
  "reconciling",
  "terminalConditions",
  "trafficStatuses",
  "uid",
  "updateTime",
  "uri",
  "urls",
] as const;

/** gcp.cloudrunv2.Service: a service of the local Cloud Run, its instances processes on this machine. */
export const cloudRunService: ResourceType = {
  token: "gcp:cloudrunv2/service:Service",
  replaceOn,
  // The API takes fewer than 50 characters.
  autoName: { property: "name", maxLength: 49 },
  unknownAtPreview: reported,
  defaults: (_inputs, settings) => ({ project: settings.project, deletionProtection: true }),
  validate,
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/locations/${textOr(inputs, "location", "")}/services/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs) => ({
    ingress: "INGRESS_TRAFFIC_ALL",
    launchStage: "GA",
    client: "",
    clientVersion: "",
    ...inputs,
    creator: "",
    deleteTime: "",
    effectiveAnnotations: object(inputs, "annotations"),
    expireTime: "",
  }),
  create: (state, context) => deploy(state, context, undefined),
  update: (state, previous, context) => deploy(state, context, previous),
  restore: async (state, context) => {
    context.cloud.cloudRun.restore(state.id, state.inputs, {
      name: state.id,
      uri: textOr(state.outputs, "uri", ""),
      latestCreatedRevision: textOr(state.outputs, "latestCreatedRevision", ""),
      latestReadyRevision: textOr(state.outputs, "latestReadyRevision", ""),
      generation: Number(textOr(state.outputs, "generation", "0")),
      etag: textOr(state.outputs, "etag", ""),
    });
  },
  read: async (state, context) => {
    const live = context.cloud.cloudRun.get(state.id);
    if (live === undefined) return undefined;
    // Not in Google's API: the provider's own switches.
    const { deletionProtection, deletionPolicy } = state.inputs;
    const inputs: Properties = {
      ...live.settings,
      ...(deletionProtection !== undefined && { deletionProtection }),
      ...(deletionPolicy !== undefined && { deletionPolicy }),
    };
    return { id: state.id, inputs, outputs: { ...state.outputs, ...inputs, ...statusOutputs(live.status, inputs) } };
  },
  delete: async (state, context) => {
    refuseWhenProtected(state, "service");
    await context.cloud.cloudRun.delete(state.id);
  },
};

async function deploy(
  state: ResourceState,
  context: OperationContext,
  previous: ResourceState | undefined,
): Promise<Properties> {
  const { cloudRun } = context.cloud;
  const before = cloudRun.get(state.id);
  try {
    const status = await cloudRun.deploy(state.id, state.inputs, context.signal);
    return await withStatus(state, previous, status, context);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const live = cloudRun.get(state.id);
    // Google keeps a service whose revision did not become ready; a refused request leaves no trace.
    if (live === undefined || live.status.generation === before?.status.generation) throw error;
    throw new InitializationError([error.message], await withStatus(state, previous, live.status, context), {
      cause: error,
    });
  }
}

async function withStatus(
  state: ResourceState,
  previous: ResourceState | undefined,
  status: CloudRunServiceStatus,
  context: OperationContext,
): Promise<Properties> {
  const now = timestamp(context);
  return {
    ...state.outputs,
    ...statusOutputs(status, state.inputs),
    createTime: previous === undefined ? now : textOr(previous.outputs, "createTime", now),
    updateTime: now,
    uid: numericId(state.id, 21),
  };
}

function statusOutputs(status: CloudRunServiceStatus, inputs: Properties): Properties {
  const isReady = status.latestReadyRevision === status.latestCreatedRevision;
  const condition: Properties = {
    type: "Ready",
    state: isReady ? "CONDITION_SUCCEEDED" : "CONDITION_FAILED",
    executionReason: "",
    lastTransitionTime: "",
    message: "",
    reason: "",
    revisionReason: "",
    severity: "",
  };
  return {
    conditions: [],
    etag: status.etag,
    generation: String(status.generation),
    latestCreatedRevision: status.latestCreatedRevision,
    latestReadyRevision: status.latestReadyRevision,
    observedGeneration: String(status.generation),
    reconciling: false,
    lastModifier: "",
    terminalConditions: [condition],
    trafficStatuses: objects(inputs, "traffics").map((target) => ({
      percent: 0,
      revision: "",
      tag: "",
      type: "",
      ...target,
      uri: "",
    })),
    uri: status.uri,
    urls: [status.uri],
  };
}

/** The API's own rules are those of the local Cloud Run; this is what the provider says before it asks. */
function validate(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (breaks(/^[a-z](?:[-a-z0-9]{0,47}[a-z0-9])?$/, inputs["name"])) {
    failures.push({
      property: "name",
      reason: "Must be 1 to 49 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen.",
    });
  }
  if (list(object(inputs, "template"), "containers").length === 0 && typeof inputs["template"] === "object") {
    const containers = object(inputs, "template")["containers"];
    if (typeof containers !== "string") {
      failures.push({ property: "template.containers", reason: "A service needs at least one container." });
    }
  }
  if (text(inputs, "location") === "") failures.push({ property: "location", reason: "Must not be empty." });
  return failures;
}
