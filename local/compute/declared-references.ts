import { partialPath, projectOf } from "./references.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { DeclaredResource, PropertyValue } from "./resources.ts";
import { tokens } from "./tokens.ts";

/** Which inputs of which types refer to other load-balancing resources. URL maps are asked for themselves: their state is live. */
const referringInputs: readonly {
  readonly type: string;
  readonly fields: (resource: DeclaredResource) => PropertyValue[];
}[] = [
  { type: tokens.httpProxy, fields: ({ inputs }) => [inputs["urlMap"] ?? null] },
  {
    type: tokens.httpsProxy,
    fields: ({ inputs }) => [inputs["urlMap"] ?? null],
  },
  {
    type: tokens.forwardingRule,
    fields: ({ inputs }) => [inputs["target"] ?? null, inputs["ipAddress"] ?? null],
  },
  {
    type: tokens.backendService,
    fields: ({ inputs }) => [healthCheckOf(inputs["healthChecks"]), ...groupsOf(inputs["backends"])],
  },
];

/** The path of a declared resource that refers to the one of that path. */
export function declaredUserOf(store: ResourceStore, path: string): string | undefined {
  for (const { type, fields } of referringInputs) {
    for (const resource of store.list(type)) {
      const project = projectOf(resource.id) ?? "";
      if (fields(resource).some((value) => typeof value === "string" && partialPath(value, project) === path)) {
        return resource.id;
      }
    }
  }
  return undefined;
}

/** The SDK types healthChecks as one link; the bridge also takes a list of one. */
export function healthCheckOf(value: PropertyValue | undefined): string | null {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first : null;
}

/** The groups of a backend service's backends. */
export function groupsOf(backends: PropertyValue | undefined): string[] {
  if (!Array.isArray(backends)) return [];
  return backends.flatMap((backend) => {
    const group = typeof backend === "object" && backend !== null && !Array.isArray(backend) ? backend["group"] : null;
    return typeof group === "string" ? [group] : [];
  });
}
