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

/** In what the two kinds of target proxy differ. */
export interface TargetProxyKind extends Pick<ResourceType, "token" | "replaceOn" | "validate"> {
  /** targetHttpProxies: the collection in the proxy's path. */
  readonly collection: string;
  /** TargetHttpProxy, in the API's texts. */
  readonly title: string;
  /** target_http_proxy, in the API's refusals. */
  readonly noun: string;
  /** Beside the project. */
  readonly defaults?: Readonly<Record<string, string>>;
}

/** A proxy stands between forwarding rules and a URL map, which has to exist. */
export function targetProxy({ collection, title, noun, defaults, ...kind }: TargetProxyKind): ResourceType {
  return {
    ...kind,
    autoName,
    unknownAtPreview: ["creationTimestamp", "fingerprint", "proxyId", "selfLink"],
    defaults: (_inputs, settings) => ({ project: settings.project, ...defaults }),
    id: (inputs, settings) => globalId(collection, inputs, settings),
    outputs: linkedOutputs,
    async create(state, context) {
      await calling(`Error creating ${title}`, () => requireUrlMap(state, context));
      return {
        creationTimestamp: creationTimestamp(context),
        proxyId: generatedId(state, context),
        fingerprint: contentFingerprint(state.inputs),
      };
    },
    async update(state, _previous, context) {
      await calling(`Error updating ${title} "${state.id}"`, () => requireUrlMap(state, context));
      return { fingerprint: contentFingerprint(state.inputs) };
    },
    delete: (state, context) => refuseWhileUsed(title, noun, state, context),
  };
}

function requireUrlMap(state: ResourceState, context: OperationContext): void {
  requireDeclared([tokens.urlMap], text(state.inputs, "urlMap") ?? "", projectOfState(state, context), context);
}
