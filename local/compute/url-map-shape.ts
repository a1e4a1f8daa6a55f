import { partialPath, selfLink } from "./references.ts";
import type { Properties, PropertyValue } from "./resources.ts";
import { outputOnlyFields } from "./url-map-schema.ts";

/** Where the bridge's plural differs from the API's name. */
const restNames: Readonly<Record<string, string>> = {
  requestHeadersToAdds: "requestHeadersToAdd",
  requestHeadersToRemoves: "requestHeadersToRemove",
  responseHeadersToAdds: "responseHeadersToAdd",
  responseHeadersToRemoves: "responseHeadersToRemove",
  httpFilterMetadatas: "httpFilterMetadata",
};
const inputNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(restNames).map(([input, rest]) => [rest, input]),
);

/** Fields whose value names a backend service. */
const referenceFields: ReadonlySet<string> = new Set(["defaultService", "service", "backendService"]);

/** Inputs that the provider keeps for itself. */
const providerFields: ReadonlySet<string> = new Set(["project", "deletionPolicy"]);
const notInputs: ReadonlySet<string> = new Set(outputOnlyFields);

/** gcp.compute.URLMap's inputs as the API's body; references become full links, as the API stores them. */
export function urlMapToRest(inputs: Properties, project: string): Properties {
  const wanted = Object.entries(inputs).filter(([name]) => !providerFields.has(name));
  return convert(Object.fromEntries(wanted), restNames, (reference) => selfLink(partialPath(reference, project)));
}

/**
 * The API's map as inputs. A reference keeps the spelling that `previous` has for the same resource, so that
 * reading back changes nothing that was not changed.
 */
export function urlMapToInputs(map: Properties, project: string, previous: Properties): Properties {
  const spellings = new Map<string, string>();
  collectReferences(previous, (reference) => spellings.set(partialPath(reference, project), reference));
  const body = Object.fromEntries(Object.entries(map).filter(([name]) => !notInputs.has(name)));
  const inputs = convert(body, inputNames, (reference) => {
    const path = partialPath(reference, project);
    return spellings.get(path) ?? path;
  });
  for (const name of providerFields) {
    const value = previous[name];
    if (value !== undefined) inputs[name] = value;
  }
  return inputs;
}

/** The map, in the API's shape, with full links to backend services, as the API stores it. */
export function absoluteReferences(map: Properties, project: string): Properties {
  return convert(map, {}, (reference) => selfLink(partialPath(reference, project)));
}

/** Calls `visit` for every backend service that the map (in either shape) refers to. */
export function collectReferences(value: PropertyValue, visit: (reference: string, field: string) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) collectReferences(item, visit);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      if (typeof item === "string" && referenceFields.has(name)) visit(item, name);
      else collectReferences(item, visit);
    }
  }
}

function convert(
  object: Properties,
  names: Readonly<Record<string, string>>,
  reference: (text: string) => string,
): Properties {
  const result: Properties = {};
  for (const [name, value] of Object.entries(object)) {
    result[names[name] ?? name] =
      typeof value === "string" && referenceFields.has(name) ? reference(value) : convertValue(value, names, reference);
  }
  return result;
}

function convertValue(
  value: PropertyValue,
  names: Readonly<Record<string, string>>,
  reference: (text: string) => string,
): PropertyValue {
  if (Array.isArray(value)) return value.map((item) => convertValue(item, names, reference));
  if (typeof value === "object" && value !== null) return convert(value, names, reference);
  return value;
}
