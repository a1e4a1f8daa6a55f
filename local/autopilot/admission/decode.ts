import type { z } from "zod";
import type { PropertyValue } from "../../compute/resources.ts";
import type { KubernetesObject } from "../cluster.ts";
import type { FieldError, NamedKind } from "../kubernetes-error.ts";
import { badRequest, groupOf, invalid, invalidValue, required, unsupportedValue } from "../kubernetes-error.ts";
import type { Kind } from "../objects/kinds.ts";
import type { ApiObject } from "../objects/metadata.ts";

/** The typed object with defaults. Errors: KubernetesError BadRequest for a wrong type, Invalid for a missing or unknown value. */
export function decode<T extends ApiObject>(kind: Kind<T>, input: KubernetesObject): T {
  const object = withoutNulls(input);
  const parsed = kind.schema.safeParse(object);
  if (parsed.success) {
    return parsed.data;
  }
  const errors: FieldError[] = [];
  for (const issue of parsed.error.issues) {
    const value = valueAt(object, issue.path);
    const path = formatPath(issue.path);
    if (value === undefined) {
      errors.push(required(path));
    } else if (issue.code === "invalid_value") {
      errors.push(unsupportedValue(path, value, issue.values.map(String)));
    } else if (issue.code === "invalid_type" || issue.code === "invalid_union") {
      throw wrongType(kind, path, value, expectedType(issue));
    } else {
      errors.push(invalidValue(path, value, issue.message));
    }
  }
  throw invalid(kind, input.metadata.name, errors);
}

/** The object as the API server gives it out: without what is empty. */
export function encode(object: ApiObject): KubernetesObject {
  const { metadata } = object;
  const shown: Record<string, unknown> = { ...metadata };
  for (const [key, value] of Object.entries(metadata)) {
    if (value === "" || value === 0 || (typeof value === "object" && Object.keys(value).length === 0)) {
      delete shown[key];
    }
  }
  // Stored objects are JSON by construction: decoded from JSON, with numbers, strings and such added.
  return JSON.parse(JSON.stringify({ ...object, metadata: shown })) as KubernetesObject;
}

/** The API server takes null for absent. */
function withoutNulls(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
    return Object.fromEntries(entries.map(([key, entry]) => [key, withoutNulls(entry)]));
  }
  return value;
}

function valueAt(value: PropertyValue | undefined, path: readonly PropertyKey[]): PropertyValue | undefined {
  let current = value;
  for (const part of path) {
    if (current === null || typeof current !== "object") {
      return undefined;
    }
    current = (current as Record<PropertyKey, PropertyValue | undefined>)[part];
  }
  return current;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}

function expectedType(issue: z.core.$ZodIssue): string {
  const expected = issue.code === "invalid_type" ? issue.expected : "int or string";
  const names: Readonly<Record<string, string>> = {
    int: "int32",
    number: "int32",
    boolean: "bool",
    record: "map[string]string",
  };
  return names[expected] ?? expected;
}

function wrongType(kind: NamedKind, path: string, value: PropertyValue, expected: string): Error {
  const found = Array.isArray(value) ? "array" : typeof value;
  const version = kind.apiVersion.slice(groupOf(kind.apiVersion) === "" ? 0 : groupOf(kind.apiVersion).length + 1);
  return badRequest(
    `${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: json: cannot unmarshal ${found} into Go struct field ${kind.kind}.${path} of type ${expected}`,
  );
}
