import { tokens } from "../../compute/tokens.ts";
import { isUnknown } from "../properties.ts";
import type { CheckFailure, OperationContext, ResourceState, ResourceType } from "../resource-type.ts";
import { text } from "../values.ts";
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

/** ForceNew fields of resource_compute_target_https_proxy.go in terraform-provider-google. */
const replaceOn = ["name", "project", "description", "proxyBind"];

const certificateMapFormat =
  /^(\/\/certificatemanager\.googleapis\.com\/)?projects\/[^/]+\/locations\/[^/]+\/certificateMaps\/[^/]+$/;

export const targetHttpsProxy: ResourceType = {
  token: tokens.httpsProxy,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "fingerprint", "proxyId", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project, quicOverride: "NONE" }),
  validate(inputs) {
    const failures: CheckFailure[] = [];
    const sources = ["certificateMap", "certificateManagerCertificates", "sslCertificates"];
    if (sources.every((name) => inputs[name] === undefined)) {
      failures.push({ property: "certificateMap", reason: `one of ${sources.join(", ")} must be given` });
    }
    const map = text(inputs, "certificateMap");
    if (map !== undefined && !isUnknown(map) && !certificateMapFormat.test(map)) {
      failures.push({
        property: "certificateMap",
        reason: `must have the form //certificatemanager.googleapis.com/projects/P/locations/global/certificateMaps/NAME, is ${map}`,
      });
    }
    return failures;
  },
  id: (inputs, settings) => globalId("targetHttpsProxies", inputs, settings),
  outputs: linkedOutputs,
  async create(state, context) {
    await calling("Error creating TargetHttpsProxy", () => requireUrlMap(state, context));
    return {
      creationTimestamp: creationTimestamp(context),
      proxyId: generatedId(state, context),
      fingerprint: contentFingerprint(state.inputs),
    };
  },
  async update(state, _previous, context) {
    await calling(`Error updating TargetHttpsProxy "${state.id}"`, () => requireUrlMap(state, context));
    return { fingerprint: contentFingerprint(state.inputs) };
  },
  delete: (state, context) => refuseWhileUsed("TargetHttpsProxy", "target_https_proxy", state, context),
};

function requireUrlMap(state: ResourceState, context: OperationContext): void {
  requireDeclared([tokens.urlMap], text(state.inputs, "urlMap") ?? "", projectOfState(state, context), context);
}
