import {
  absent,
  type InstanceFigures,
  known,
  type LatencyHistogram,
  type PlatformSnapshot,
  type ResourceFigures,
} from "../../automation/ports/platform-metrics.ts";

const boundsMs = [10, 100, 1_000];

/** Times in three buckets, and what is longer. */
export function histogram(...counts: readonly [number, number, number, number]): LatencyHistogram {
  const [a, b, c, d] = counts;
  return { boundsMs, upTo: [a, a + b, a + b + c], count: a + b + c + d, sumMs: a * 5 + b * 50 + c * 500 + d * 2_000 };
}

export const someInstances: InstanceFigures = { ready: 2, starting: known(0), wanted: known(2), most: known(10) };
export const someResources: ResourceFigures = {
  cores: known(0.4),
  memoryBytes: known(200_000_000),
  cpuShare: known(0.2),
  memoryShare: known(0.1),
};

/** A platform that is well. */
export function snapshot(more: Partial<PlatformSnapshot> = {}): PlatformSnapshot {
  return {
    platform: "gke",
    at: 10_000,
    since: 0,
    requests: known({ requests: 100, errors: 3, errorsByClass: { application: 1, gateway: 2 } }),
    darkRequests: known({ requests: 7, errors: 0, errorsByClass: { application: 0, gateway: 0 } }),
    firstByte: known(histogram(90, 10, 0, 0)),
    latency: known(histogram(80, 19, 1, 0)),
    instances: known(someInstances),
    resources: known(someResources),
    restarts: known(0),
    startFailures: absent("GKE has none"),
    queued: absent("GKE has no queue"),
    scaling: known([]),
    ...more,
  };
}
