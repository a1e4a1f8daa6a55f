import type { Properties, PropertyValue } from "../compute/resources.ts";
import { isUnknown } from "./properties.ts";

/**
 * Reading of properties that may be absent or, during a preview, unknown. An unknown string stays the UNKNOWN marker (it makes
 * whatever is built from it unknown); an unknown of any other type reads as absent.
 */

export function isObject(value: PropertyValue | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The string at `key`, or undefined. */
export function text(from: Properties, key: string): string | undefined {
  const value = from[key];
  return typeof value === "string" ? value : undefined;
}

/** The string at `key`, or `otherwise`. */
export function textOr(from: Properties, key: string, otherwise: string): string {
  return text(from, key) ?? otherwise;
}

/** The number at `key`, or undefined. */
export function number(from: Properties, key: string): number | undefined {
  const value = from[key];
  return typeof value === "number" ? value : undefined;
}

/** The boolean at `key`, or undefined. */
export function flag(from: Properties, key: string): boolean | undefined {
  const value = from[key];
  return typeof value === "boolean" ? value : undefined;
}

/** The object at `key`; empty when absent or unknown. */
export function object(from: Properties, key: string): Properties {
  const value = from[key];
  return isObject(value) ? value : {};
}

/** The list at `key`; empty when absent or unknown. */
export function list(from: Properties, key: string): readonly PropertyValue[] {
  const value = from[key];
  return Array.isArray(value) ? value : [];
}

/** The objects in the list at `key`; unknown elements are left out. */
export function objects(from: Properties, key: string): readonly Properties[] {
  return list(from, key).filter(isObject);
}

/** The last segment of a resource name or self link: `name` of projects/p/global/networks/name. An unknown stays one. */
export function lastSegment(name: string): string {
  return isUnknown(name) ? name : (name.split("/").at(-1) ?? name);
}
