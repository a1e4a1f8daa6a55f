import type { Clock } from "../ports/clock.ts";
import type { LiveResources } from "../ports/live-resources.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { Prober } from "../ports/prober.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { SideCapacity } from "../ports/side-capacity.ts";
import type { SideLoad } from "../ports/side-load.ts";
import type { SyntheticLoad } from "../ports/synthetic-load.ts";
import type { PerformPorts } from "./perform.ts";
import type { SwapRequest } from "./store.ts";

/** Everything that a swap needs of the outside world. */
export interface RunPorts extends PerformPorts {
  readonly feed: RequestFeed;
  readonly prober: Prober;
  readonly load: SideLoad;
  /** Absent where instances cannot be counted. */
  readonly capacity?: SideCapacity;
  /** Absent where no synthetic requests can be sent: then silence stays silence. */
  readonly synthetic?: SyntheticLoad;
  /** By source name; asked only for checks that the settings name. */
  readonly metrics: Readonly<Record<string, MetricSource>>;
  /** What really runs, for the stateless rules. */
  readonly live: LiveResources;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  /** Wishes that other processes left after the given number. */
  readonly requests: (after: number) => Promise<readonly SwapRequest[]>;
}
