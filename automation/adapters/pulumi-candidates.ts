/** Pure: which of the engines at hand is taken. */

/**
 * The oldest engine that is taken: since 3.206.0 events come over gRPC; the Automation API reads those of an older one from a
 * file that it polls five times a second. (`--client` for refresh and destroy needs 3.181.0.) Tested: 3.230.0.
 */
export const minimumPulumiVersion = "3.206.0";

/** The version that is built from Go modules: the newest whose module zip the Go proxy serves. */
export const builtPulumiVersion = "3.230.0";

export interface Candidate {
  readonly source: "path" | "cache";
  readonly pulumi: string;
  /** undefined when it could not be run or printed no version. */
  readonly version: string | undefined;
  /** Why there is no version. */
  readonly problem?: string;
}

export interface Rejection {
  readonly source: string;
  readonly path?: string;
  readonly reason: string;
}

export interface Choice {
  readonly chosen: (Candidate & { readonly version: string }) | undefined;
  readonly rejected: readonly Rejection[];
}

/** Numbers of `v3.230.0-alpha+x`; undefined when the text is no version. */
export function parseVersion(text: string): readonly [number, number, number] | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+][\w.+-]*)?$/.exec(text.trim());
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** Below zero when a is older. Pre-releases count as their release. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parseVersion(a) ?? [0, 0, 0], parseVersion(b) ?? [0, 0, 0]];
  return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
}

/** The first on the PATH that is good enough, else the newest of the cache that is. */
export function chooseEngine(candidates: readonly Candidate[]): Choice {
  const rejected: Rejection[] = [];
  const usable: (Candidate & { readonly version: string })[] = [];
  for (const candidate of candidates) {
    const { source, pulumi, version, problem } = candidate;
    const reason = rejectionOf(version, problem);
    if (reason !== undefined) rejected.push({ source, path: pulumi, reason });
    else if (version !== undefined) usable.push({ ...candidate, version });
  }
  const onPath = usable.find(({ source }) => source === "path");
  const cached = usable
    .filter(({ source }) => source === "cache")
    .sort((a, b) => compareVersions(b.version, a.version));
  return { chosen: onPath ?? cached[0], rejected };
}

function rejectionOf(version: string | undefined, problem: string | undefined): string | undefined {
  if (version === undefined) return problem ?? "it printed no version";
  const parsed = parseVersion(version);
  if (parsed === undefined) return `it calls itself "${version}", which is no version`;
  if (parsed[0] !== 3) return `it is ${version}; a version 3 is needed`;
  return compareVersions(version, minimumPulumiVersion) < 0
    ? `it is ${version}, older than ${minimumPulumiVersion}`
    : undefined;
}
