import type { SideCounters } from "./counters.ts";
import type { RequestFeedLog } from "./feed.ts";
import type { RequestLog } from "./request-log.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { RouterTracing } from "./server-span.ts";
import type { TraceIds } from "./trace-context.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** What all exchanges of a router's worker share. */
export interface ExchangeSurroundings {
  /** Name of the listener, in the feed's records and the counters. */
  readonly listener: string;
  /** The worker's routes as they are now. */
  readonly table: () => RoutingTable;
  readonly upstreams: UpstreamPool;
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  /** Requests of the dark route; undefined where nobody counts them. */
  readonly darkCounters: SideCounters | undefined;
  /** Every request, as the balancer logs it; undefined where nobody reads such a log. */
  readonly log: RequestLog | undefined;
  /** Requests under way per side, probes and dark ones too. */
  readonly underWay: Map<string, number>;
  readonly scheme: "http" | "https";
  readonly traceIds: TraceIds;
  /** undefined where nobody is told of spans. */
  readonly tracing: RouterTracing | undefined;
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
