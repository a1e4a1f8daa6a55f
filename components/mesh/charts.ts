/** Where Istio's charts and images come from, and what its versions are. */
import { checkPattern, type Problem } from "../shared/validation.ts";

export const defaultCharts = "https://blob.istio.io/istio-release/charts";
export const defaultHub = "docker.io/istio";

/** Nothing from 1.31 on is there, and all of them end in December 2026 (istio.io/latest/blog/2026/retirement-of-gcp). */
const retiredHosts = ["gcr.io/istio-release", "registry.istio.io", "istio-release.storage.googleapis.com"];

const wholeVersion = /^(\d+)\.(\d+)\.(\d+)$/;
export const versionForm = "a whole version, for example 1.31.1";

export const revisionPattern = /^[a-z](?:[a-z0-9-]{0,46}[a-z0-9])?$|^[0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/;
export const revisionForm = "1 to 48 lower-case letters, digits and hyphens, no hyphen first or last; no dots";

export function isRetired(address: string): boolean {
  const plain = address.replace(/^[a-z]+:\/\//i, "").toLowerCase();
  return retiredHosts.some((host) => plain === host || plain.startsWith(`${host}/`) || plain.startsWith(`${host}:`));
}

const homes = `another host: it is retired; charts are at ${defaultCharts} and oci://ghcr.io/istio/release/charts, images at ${defaultHub}`;

/** Problems of an address that charts or images come from. */
export function checkHome(path: string, value: string, pattern: RegExp, allowed: string): Problem[] {
  return isRetired(value) ? [{ path, value, allowed: homes }] : checkPattern(path, value, pattern, allowed);
}

/** Every text in a chart's values that names a retired host. */
export function checkValues(path: string, value: unknown): Problem[] {
  if (typeof value === "string") return isRetired(value) ? [{ path, value, allowed: homes }] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => checkValues(`${path}.${key}`, inner));
}

export const checkVersion = (path: string, value: string): Problem[] =>
  checkPattern(path, value, wholeVersion, versionForm);

/** Below zero: a is older. Only for what `checkVersion` lets through. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  const index = left?.findIndex((part, at) => part !== right?.[at]) ?? -1;
  return index < 0 ? 0 : (left?.[index] ?? 0) - (right?.[index] ?? 0);
}

/** Minors from a up to b; not a number across majors. */
export function minorsBetween(a: string, b: string): number {
  const [[majorA, minorA] = [], [majorB, minorB] = []] = [a, b].map((text) => text.split(".").map(Number));
  return majorA === majorB ? (minorB ?? Number.NaN) - (minorA ?? Number.NaN) : Number.NaN;
}
