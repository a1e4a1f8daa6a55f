import type { Properties, PropertyValue } from "../compute/resources.ts";
import { closest } from "./nearest-name.ts";
import { formatPath, isUnknown, type Path } from "./properties.ts";
import type { CheckFailure } from "./resource-type.ts";
import { describeType, type PropertySpecs, type ProviderSchema, type TypeSpec } from "./schema.ts";

/** Everything in `values` that the schema does not allow: unknown names, missing required properties, wrong types. */
export function checkSchema(
  values: Properties,
  properties: PropertySpecs,
  schema: ProviderSchema,
  path: Path = [],
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [key, value] of Object.entries(values)) {
    const property = properties.get(key);
    if (property === undefined) failures.push(unknownProperty([...path, key], key, [...properties.keys()]));
    else if (value !== null) failures.push(...checkType(value, property.type, schema, [...path, key]));
  }
  for (const [key, property] of properties) {
    if (property.required && (values[key] === undefined || values[key] === null)) {
      failures.push({ property: formatPath([...path, key]), reason: "Missing required property." });
    }
  }
  return failures;
}

function checkType(value: PropertyValue, type: TypeSpec, schema: ProviderSchema, path: Path): CheckFailure[] {
  // Its type is not known before the value is.
  if (isUnknown(value)) return [];
  switch (type.kind) {
    case "any":
      return [];
    case "string":
    case "number":
    case "boolean":
      return typeof value === type.kind ? [] : [wrongType(value, type, path)];
    case "literal":
      return value === type.value ? [] : [wrongType(value, type, path)];
    case "list":
      if (!Array.isArray(value)) return [wrongType(value, type, path)];
      return value.flatMap((item, index) => checkItem(item, type.of, schema, [...path, index]));
    case "map":
      if (!isPlainObject(value)) return [wrongType(value, type, path)];
      return Object.entries(value).flatMap(([key, item]) => checkItem(item, type.of, schema, [...path, key]));
    case "object":
      if (!isPlainObject(value)) return [wrongType(value, type, path)];
      return checkSchema(value, schema.object(type.name), schema, path);
    case "union": {
      const results = type.of.map((alternative) => checkType(value, alternative, schema, path));
      return results.some((failures) => failures.length === 0) ? [] : [wrongType(value, type, path)];
    }
  }
}

/** Elements of lists and maps: the API knows no null there. */
function checkItem(value: PropertyValue, type: TypeSpec, schema: ProviderSchema, path: Path): CheckFailure[] {
  return value === null && type.kind !== "any" ? [wrongType(value, type, path)] : checkType(value, type, schema, path);
}

function wrongType(value: PropertyValue, type: TypeSpec, path: Path): CheckFailure {
  return { property: formatPath(path), reason: `Expected ${describeType(type)}, got ${kindOf(value)}.` };
}

function unknownProperty(path: Path, key: string, known: readonly string[]): CheckFailure {
  const nearest = closest(key, known);
  const guess = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return {
    property: formatPath(path),
    reason: `The provider knows no property of that name.${guess} Known here: ${[...known].sort().join(", ")}.`,
  };
}

function isPlainObject(value: PropertyValue): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value's kind in words; never the value, which may be a secret. */
function kindOf(value: PropertyValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
