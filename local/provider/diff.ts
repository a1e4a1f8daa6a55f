import type { Properties, PropertyValue } from "../compute/resources.ts";
import { defaultsKey, isAutoNamed } from "./check.ts";
import { formatPath, type Path, parsePath, valueAt } from "./properties.ts";
import type { ProviderSettings, ResourceType } from "./resource-type.ts";

export interface Difference {
  readonly path: Path;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

export interface DiffResult {
  readonly differences: readonly Difference[];
  readonly deleteBeforeReplace: boolean;
}

/** What changes from the inputs that were last applied (or read) to the new ones. Outputs play no part: only what a program can set differs. */
export function diff(
  type: ResourceType,
  olds: Properties,
  news: Properties,
  settings: ProviderSettings,
  ignoreChanges: readonly string[] = [],
): DiffResult {
  const patterns = [...type.replaceOn, ...(type.replaceWhen?.(olds, news) ?? [])].map(parsePath);
  const ignored = ignoreChanges.map(parsePath);
  const differences: Difference[] = [];
  const report = (path: Path, kind: Difference["kind"], leaves: readonly Path[]): void => {
    if (path[0] === defaultsKey || ignored.some((pattern) => covers(pattern, path))) return;
    differences.push({ path, kind, replaces: leaves.some((leaf) => patterns.some((p) => covers(p, leaf))) });
  };
  compare(olds, news, [], report);
  const replaces = differences.some((difference) => difference.replaces);
  return { differences, deleteBeforeReplace: replaces && mustDeleteFirst(type, olds, news, settings) };
}

/** True where old and new cannot exist side by side: they have the same name, and the name is the program's. */
function mustDeleteFirst(type: ResourceType, olds: Properties, news: Properties, settings: ProviderSettings): boolean {
  if (type.deleteBeforeReplace === true) return true;
  if (type.autoName === undefined) return type.id(olds, settings) === type.id(news, settings);
  const path = parsePath(type.autoName.property);
  if (isAutoNamed(type, news) || valueAt(olds, path) !== valueAt(news, path)) return false;
  // The bridge looks at the name alone; pulumi-kubernetes also at the namespace, which is part of the id.
  return type.autoName.annotation === undefined || type.id(olds, settings) === type.id(news, settings);
}

type Report = (path: Path, kind: Difference["kind"], leaves: readonly Path[]) => void;

function compare(old: PropertyValue | undefined, next: PropertyValue | undefined, path: Path, report: Report): void {
  const before = old ?? undefined;
  const after = next ?? undefined;
  if (before === undefined && after === undefined) return;
  if (before === undefined) report(path, "add", leavesOf(after, path));
  else if (after === undefined) report(path, "delete", leavesOf(before, path));
  else if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) compare(before[i], after[i], [...path, i], report);
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(before[key], after[key], [...path, key], report);
    }
  } else if (before !== after) {
    report(path, "update", [...leavesOf(before, path), ...leavesOf(after, path)]);
  }
}

/** The path itself and every path below it. */
function leavesOf(value: PropertyValue | undefined, path: Path): readonly Path[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item, i) => leavesOf(item, [...path, i]))];
  if (isObject(value)) return [path, ...Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]))];
  return [path];
}

/** Whether the path is the pattern's or lies below it. */
function covers(pattern: readonly (string | number)[], path: Path): boolean {
  return pattern.length <= path.length && pattern.every((part, i) => part === "*" || part === path[i]);
}

function isObject(value: PropertyValue | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Pulumi's spelling of a difference's path. */
export function differencePath(difference: Difference): string {
  return formatPath(difference.path);
}
