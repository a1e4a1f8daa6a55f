import { tokens } from "../../compute/tokens.ts";
import type { OperationContext, ResourceState, ResourceType } from "../resource-type.ts";
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

/** ForceNew fields of resource_compute_target_http_proxy.go in terraform-provider-google. */
const replaceOn = ["name", "project", "description", "httpKeepAliveTimeoutSec", "proxyBind"];

export const targetHttpProxy: ResourceType = {
  token: tokens.httpProxy,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "fingerprint", "proxyId", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project }),
  id: (inputs, settings) => globalId("targetHttpProxies", inputs, settings),
  outputs: linkedOutputs,
  async create(state, context) {
    await calling("Error creating TargetHttpProxy", () => requireUrlMap(state, context));
    return {
      creationTimestamp: creationTimestamp(context),
      proxyId: generatedId(state, context),
      fingerprint: contentFingerprint(state.inputs),
    };
  },
  async update(state, _previous, context) {
    await calling(`Error updating TargetHttpProxy "${state.id}"`, () => requireUrlMap(state, context));
    return { fingerprint: contentFingerprint(state.inputs) };
  },
  delete: (state, context) => refuseWhileUsed("TargetHttpProxy", "target_http_proxy", state, context),
};

function requireUrlMap(state: ResourceState, context: OperationContext): void {
  requireDeclared([tokens.urlMap], text(state.inputs, "urlMap") ?? "", projectOfState(state, context), context);
}
