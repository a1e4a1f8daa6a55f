import type { Properties, PropertyValue } from "../compute/resources.ts";
import { type Autonaming, chooseName } from "./auto-name.ts";
import { type Decoded, parsePath, valueAt, withValueAt } from "./properties.ts";
import type { CheckFailure, ProviderSettings, ResourceType } from "./resource-type.ts";
import type { ProviderSchema } from "./schema.ts";
import { checkSchema } from "./schema-check.ts";

/** The input in which the bridge keeps which inputs were its own choice; the engine hides it from people. */
export const defaultsKey = "__defaults";

export interface CheckRequest {
  readonly urn: string;
  /** The resource's logical name. */
  readonly name: string;
  readonly news: Decoded;
  /** The last checked inputs; empty for a new resource and for a replacement. */
  readonly olds: Properties;
  readonly settings: ProviderSettings;
  readonly autonaming: Autonaming;
  /** Whether a resource of this type with this id exists. */
  readonly exists: (id: string) => boolean;
}

export interface CheckResult {
  readonly inputs: Decoded;
  readonly failures: readonly CheckFailure[];
}

/** Refuses what the real provider would refuse and fills in what it would fill in. */
export function check(type: ResourceType, schema: ProviderSchema, request: CheckRequest): CheckResult {
  const properties = schema.resource(type.token)?.inputs;
  if (properties === undefined) throw new Error(`The generated schema has no resource ${type.token}.`);
  const { [defaultsKey]: _old, ...given } = request.news.values;

  const failures: CheckFailure[] = [];
  const named = fillName(type, given, request);
  if ("failure" in named) failures.push(named.failure);
  const withName = "failure" in named ? given : named.inputs;
  const filled = mergeMissing(withName, type.defaults?.(withName, request.settings) ?? {});

  failures.push(...checkSchema(filled, properties, schema));
  // A rule may rely on what the schema says.
  if (failures.length === 0) failures.push(...(type.validate?.(filled) ?? []));

  const chosen = Object.keys(filled).filter((key) => given[key] === undefined);
  // Kubernetes objects say it in an annotation.
  const marked = type.autoName?.annotation === undefined ? { ...filled, [defaultsKey]: chosen.sort() } : filled;
  return { inputs: { values: marked, secrets: request.news.secrets }, failures };
}

/** Whether the name was the provider's choice at the time of these inputs. */
export function isAutoNamed(type: ResourceType, inputs: Properties): boolean {
  const rule = type.autoName;
  if (rule === undefined) return false;
  const path = parsePath(rule.property);
  if (rule.annotation !== undefined) {
    return valueAt(inputs, [...path.slice(0, -1), "annotations", rule.annotation]) === "true";
  }
  const chosen = inputs[defaultsKey];
  return Array.isArray(chosen) && chosen.includes(rule.property);
}

function fillName(
  type: ResourceType,
  given: Properties,
  request: CheckRequest,
): { readonly inputs: Properties } | { readonly failure: CheckFailure } {
  const rule = type.autoName;
  if (rule === undefined) return { inputs: given };
  const path = parsePath(rule.property);
  const value = valueAt(given, path);
  if (value !== undefined && value !== null) return { inputs: given };

  const old = valueAt(request.olds, path);
  const keep = isAutoNamed(type, request.olds) && typeof old === "string" ? old : undefined;
  const withName = (name: string): Properties => withValueAt(given, path, name);
  const isTaken = (name: string): boolean => {
    const candidate = withName(name);
    const filled = mergeMissing(candidate, type.defaults?.(candidate, request.settings) ?? {});
    return request.exists(type.id(filled, request.settings));
  };
  const choice = keep === undefined ? chooseName(rule, request, request.autonaming, isTaken) : { name: keep };
  if ("failure" in choice) return { failure: { property: rule.property, reason: choice.failure } };

  const inputs = withName(choice.name);
  if (rule.annotation === undefined) return { inputs };
  return { inputs: withValueAt(inputs, [...path.slice(0, -1), "annotations", rule.annotation], "true") };
}

/** `values` with what is missing in them taken from `fallback`; objects are merged, lists and everything else are not. */
export function mergeMissing(values: Properties, fallback: Properties): Properties {
  const merged: Properties = { ...values };
  for (const [key, value] of Object.entries(fallback)) {
    const own = merged[key];
    if (own === undefined || own === null) merged[key] = value;
    else if (isObject(own) && isObject(value)) merged[key] = mergeMissing(own, value);
  }
  return merged;
}

function isObject(value: PropertyValue): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
