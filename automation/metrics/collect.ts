/** All platforms at once; one that cannot be read does not hide the others. */
import { SwitchyardError } from "../errors.ts";
import { type PlatformMetrics, type PlatformSnapshot, unreadable } from "../ports/platform-metrics.ts";

export interface CollectedMetrics {
  readonly source: PlatformMetrics["description"];
  readonly platforms: readonly PlatformSnapshot[];
  /** Of the platforms of which nothing could be read. */
  readonly unreachable: Readonly<Record<string, string>>;
}

export interface CollectOptions {
  readonly platforms: readonly string[];
  /** From when on counts are wanted, ms since the epoch. */
  readonly since: number;
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Errors: metrics-unreachable when no platform can be read. */
export async function collectMetrics(metrics: PlatformMetrics, options: CollectOptions): Promise<CollectedMetrics> {
  const { platforms, since, now, signal } = options;
  const failures: Record<string, SwitchyardError> = {};
  const snapshots = await Promise.all(
    platforms.map(async (platform) => {
      try {
        return await metrics.read(platform, since, signal);
      } catch (error) {
        if (!(error instanceof SwitchyardError) || error.code !== "metrics-unreachable") throw error;
        failures[platform] = error;
        return nothingReadable(platform, { at: now, since }, error.message);
      }
    }),
  );
  const [first] = Object.values(failures);
  if (first !== undefined && Object.keys(failures).length === platforms.length) throw first;
  const unreachable = Object.fromEntries(Object.entries(failures).map(([name, { message }]) => [name, message]));
  return { source: metrics.description, platforms: snapshots, unreachable };
}

/** A platform of which no figure could be read. */
export function nothingReadable(
  platform: string,
  { at, since }: Pick<PlatformSnapshot, "at" | "since">,
  why: string,
): PlatformSnapshot {
  const none = unreadable(why);
  return {
    platform,
    at,
    since,
    requests: none,
    darkRequests: none,
    firstByte: none,
    latency: none,
    instances: none,
    resources: none,
    restarts: none,
    startFailures: none,
    queued: none,
    scaling: none,
  };
}
