import type { Properties, PropertyValue } from "./resources.ts";

/** JSON Merge Patch (RFC 7396): objects merge, null removes, everything else (arrays too) replaces. */
export function mergePatch(target: Properties, patch: Properties): Properties {
  const result: Properties = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (isObject(value)) {
      const current = result[name];
      result[name] = mergePatch(isObject(current) ? current : {}, value);
    } else result[name] = value;
  }
  return result;
}

function isObject(value: PropertyValue | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
