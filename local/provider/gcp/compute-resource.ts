import { createHash } from "node:crypto";
import { FingerprintConflictError } from "../../compute/compute.ts";
import { GoogleError, inUse, providerMessage } from "../../compute/google-error.ts";
import { partialPath, selfLink } from "../../compute/references.ts";
import type { Properties } from "../../compute/resources.ts";
import { numericId } from "../../compute/url-maps.ts";
import { ProviderError } from "../errors.ts";
import { isUnknown, UNKNOWN } from "../properties.ts";
import type { OperationContext, ProviderSettings, ResourceState } from "../resource-type.ts";
import { textOr } from "../values.ts";

/** The name rule that all compute resources share, and the bridge's automatic names. */
export const autoName = { property: "name", maxLength: 63 } as const;

/** projects/P/global/COLLECTION/NAME, unknown as long as the name or project is. */
export function globalId(collection: string, inputs: Properties, settings: ProviderSettings): string {
  return scopedId("global", collection, inputs, settings);
}

/** projects/P/SCOPE/COLLECTION/NAME */
export function scopedId(scope: string, collection: string, inputs: Properties, settings: ProviderSettings): string {
  const id = `projects/${textOr(inputs, "project", settings.project)}/${scope}/${collection}/${textOr(inputs, "name", UNKNOWN)}`;
  return isUnknown(id) ? UNKNOWN : id;
}

/** The outputs that every compute resource has beside its inputs. */
export function linkedOutputs(inputs: Properties, id: string): Properties {
  return { ...inputs, selfLink: isUnknown(id) ? UNKNOWN : selfLink(id) };
}

/** When it was made, in the API's format. */
export function creationTimestamp(context: OperationContext): string {
  return new Date(context.cloud.clock.now()).toISOString();
}

/** A number as the API gives to every resource, within what a double holds exactly. */
export function generatedId(state: ResourceState, context: OperationContext): number {
  return Number(numericId(`${state.id}@${context.cloud.clock.now()}`));
}

/** A fingerprint of a resource's content, as the API gives to resources that are updated. */
export function contentFingerprint(inputs: Properties): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest().subarray(0, 8).toString("base64url").concat("=");
}

/** The project of a resource's id. */
export function projectOfState(state: ResourceState, context: OperationContext): string {
  return textOr(state.inputs, "project", /^projects\/([^/]+)\//.exec(state.id)?.[1] ?? context.settings.project);
}

/** Runs an operation of the simulated API; its errors get the text that the real provider prints. */
export async function calling<T>(action: string, call: () => Promise<T> | T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof GoogleError || error instanceof FingerprintConflictError) {
      throw new ProviderError(providerMessage(action, error), { cause: error });
    }
    throw error;
  }
}

/** Refuses the deletion of what another resource uses. `kind` in the API's words. */
export function refuseWhileUsed(
  title: string,
  kind: string,
  state: ResourceState,
  context: OperationContext,
): Promise<void> {
  return calling(`Error when reading or editing ${title}`, () => {
    const user = context.cloud.compute.userOf(state.id);
    if (user !== undefined) throw inUse(kind, state.id, user);
  });
}

/** The path that a reference input names. Errors: GoogleError 404 when `type` has no such resource. */
export function requireDeclared(
  types: readonly string[],
  reference: string,
  project: string,
  context: OperationContext,
): string {
  const path = partialPath(reference, project);
  if (!types.some((type) => context.cloud.resources.get(type, path) !== undefined)) {
    throw new GoogleError(404, "notFound", `The resource '${path}' was not found`);
  }
  return path;
}
