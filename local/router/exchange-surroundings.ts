import type { SideCounters } from "./counters.ts";
import type { RequestFeedLog } from "./feed.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { TraceIds } from "./trace-context.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** What all exchanges of a router share. */
export interface ExchangeSurroundings {
  readonly table: () => RoutingTable;
  readonly upstreams: UpstreamPool;
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  /** Requests under way per side, probes and dark ones too. */
  readonly underWay: Map<string, number>;
  readonly scheme: "http" | "https";
  readonly traceIds: TraceIds;
  readonly random: () => number;
  /** ms since the epoch. */
  readonly now: () => number;
  /** ms, monotonic. */
  readonly elapsed: () => number;
  /** Whether responses should end their connection. */
  readonly closing: () => boolean;
  /** Told of an exception of the table or of a backend. */
  readonly onFault: (error: unknown) => void;
}
