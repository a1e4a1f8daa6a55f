import { SwitchyardError } from "../../automation/errors.ts";
import {
  known,
  type PlatformMetrics,
  type PlatformSnapshot,
  unreadable,
} from "../../automation/ports/platform-metrics.ts";
import { histogram, snapshot, someInstances } from "./platform-snapshot.ts";

/** What really happened on a platform; the sources are filled from it. */
export interface PlatformFacts {
  readonly requests: number;
  /** Answered by the service with a 5xx. */
  readonly errors: number;
  readonly ready: number;
  /** Numbers of instances, a minute apart, the last one is `ready`. */
  readonly history: readonly number[];
}

export interface FakePlatformMetrics extends PlatformMetrics {
  readonly platforms: Map<string, PlatformFacts>;
  blindToResources: boolean;
  isDown: boolean;
}

export const minuteMs = 60_000;
export const historyStart = Date.UTC(2026, 10, 30, 12);

export function createFakePlatformMetrics(): FakePlatformMetrics {
  const platforms = new Map<string, PlatformFacts>();
  const fake: FakePlatformMetrics = {
    description: { source: "fake", complete: true, delayMs: 0 },
    platforms,
    blindToResources: false,
    isDown: false,
    async read(platform, since, signal): Promise<PlatformSnapshot> {
      signal?.throwIfAborted();
      if (fake.isDown) throw new SwitchyardError("metrics-unreachable", { message: "the fake is down" });
      const facts = platforms.get(platform) ?? { requests: 0, errors: 0, ready: 0, history: [] };
      const { requests, errors, ready, history } = facts;
      return snapshot({
        platform,
        since,
        requests: known({ requests, errors, errorsByClass: { application: errors } }),
        latency: known(histogram(requests, 0, 0, 0)),
        firstByte: known(histogram(requests, 0, 0, 0)),
        at: historyStart + history.length * minuteMs,
        instances: known({ ...someInstances, ready }),
        ...(fake.blindToResources && { resources: unreadable("the fake cannot see") }),
        scaling: known(
          history.flatMap((to, index) => {
            const from = history[index - 1];
            const at = historyStart + index * minuteMs;
            return from === undefined || from === to ? [] : [{ at, from, to, reason: "fake" }];
          }),
        ),
      });
    },
  };
  return fake;
}
