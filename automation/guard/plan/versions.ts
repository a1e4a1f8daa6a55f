/** Versions of Istio, its charts and images, and Kubernetes. Pure. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `rc.1` of 1.31.0-rc.1; empty for a release. */
  readonly pre: string;
}

/** `1.31`. Always text: as a YAML number 1.30 is 1.3. */
export type Minor = `${number}.${number}`;

const full = /^v?(\d+)\.(\d+)\.(\d+)(?:-((?:alpha|beta|rc)[.\d]*))?(?:-(?:distroless|debug))?(?:\+\S+)?$/;

/**
 * A version with all three parts: `1.31.1`, `v1.31.1`, `1.31.0-rc.1`, an image's `1.31.1-distroless`, a chart's
 * `1.31.1+9f2b`. undefined for anything else, a range or `1.31` included.
 */
export function parseVersion(text: string): Version | undefined {
  const found = full.exec(text.trim());
  if (found === null) return undefined;
  const [, major = "", minor = "", patch = "", pre = ""] = found;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre };
}

/** `1.33` of `1.33`, `v1.33.4-eks-99b2f6a`, `1.31.1`; undefined when it does not begin with two numbers. */
export function parseMinor(text: string): Minor | undefined {
  const found = /^v?(\d+)\.(\d+)(?=$|[.+-])/.exec(text.trim());
  return found === null ? undefined : `${Number(found[1])}.${Number(found[2])}`;
}

export const formatVersion = ({ major, minor, patch, pre }: Version): string =>
  `${major}.${minor}.${patch}${pre === "" ? "" : `-${pre}`}`;

export const minorOf = ({ major, minor }: Version): Minor => `${major}.${minor}`;

export function minorParts(minor: Minor): readonly [major: number, minor: number] {
  const [major = "", low = ""] = minor.split(".");
  return [Number(major), Number(low)];
}

export function compareMinors(a: Minor, b: Minor): number {
  const [majorA, minorA] = minorParts(a);
  const [majorB, minorB] = minorParts(b);
  return majorA - majorB || minorA - minorB;
}

/** How many minors from a up to b, negative when b is lower; undefined across majors. */
export function minorsBetween(a: Minor, b: Minor): number | undefined {
  const [majorA, minorA] = minorParts(a);
  const [majorB, minorB] = minorParts(b);
  return majorA === majorB ? minorB - minorA : undefined;
}

/** A release is above its own release candidates. */
export function compareVersions(a: Version, b: Version): number {
  const numbers = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (numbers !== 0 || a.pre === b.pre) return numbers;
  if (a.pre === "") return 1;
  if (b.pre === "") return -1;
  return a.pre.localeCompare(b.pre, "en", { numeric: true });
}

/** Whether a Helm or Flux version lets somebody else choose: missing, a range, a wildcard, `latest`. */
export function isFloating(text: string | undefined): boolean {
  return text === undefined || parseVersion(text) === undefined;
}
