import { createHash } from "node:crypto";
import type { Properties, PropertyValue } from "../compute/resources.ts";

const letters = "abcdefghijklmnopqrstuvwxyz";

/** `SERVICE-00001-abc` (statement 51). `random` gives numbers in [0, 1). */
export function revisionName(service: string, generation: number, random: () => number): string {
  const suffix = Array.from({ length: 3 }, () => letters[Math.floor(random() * letters.length)]).join("");
  return `${service}-${String(generation).padStart(5, "0")}-${suffix}`;
}

/** What is wrong with a custom revision name; undefined when it is acceptable (statement 51). */
export function revisionNameProblem(service: string, name: string): string | undefined {
  if (!name.startsWith(`${service}-`)) return `'${name}' must start with '${service}-'`;
  if (!/^[a-z0-9-]*[a-z0-9]$/.test(name)) return `'${name}' may hold a-z, 0-9 and -, and must not end in -`;
  if (name.length > 63) return `'${name}' is longer than 63 characters`;
  return undefined;
}

/**
 * Identifies a template: equal for templates that differ only in the order of keys or in fields that are null. Another one makes
 * a new revision (statement 51).
 */
export function templateKey(settings: Properties): string {
  return digest(settings["template"] ?? null);
}

/** Identifies all settings of a service. */
export function settingsKey(settings: Properties): string {
  return digest(settings);
}

function digest(value: PropertyValue): string {
  return createHash("sha256")
    .update(JSON.stringify(canonical(value)))
    .digest("hex");
}

function canonical(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, canonical(member)]),
  );
}
