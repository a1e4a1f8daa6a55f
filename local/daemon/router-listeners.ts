import type { ListenerHost } from "../compute/load-balancer.ts";
import type { SideCounters } from "../router/counters.ts";
import type { RequestFeedLog } from "../router/feed.ts";
import type { RequestLog } from "../router/request-log.ts";
import { createRouter } from "../router/router.ts";
import type { RoutingTable } from "../router/routing-table.ts";
import type { RouterTracing } from "../router/server-span.ts";

export interface RouterListenersOptions {
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  readonly darkCounters: SideCounters;
  readonly log: RequestLog;
  /** Takes spans of sampled traces; undefined: nobody does. */
  readonly tracing: RouterTracing | undefined;
  /** For requests in flight when a listener closes, ms; asked at that time. */
  readonly closeGraceMs: () => number;
}

/** One router per forwarding rule; all of them feed the same log and counters. */
export function createRouterListeners(options: RouterListenersOptions): ListenerHost {
  return {
    async open({ name, port, scheme, workers, routes }) {
      const tables = Array.from({ length: workers }, (_, worker) => routes(worker));
      const table = (worker: number): RoutingTable => tables[worker] ?? routes(worker);
      const { feed, counters, darkCounters, log, tracing } = options;
      const router = createRouter({ name, workers, table, feed, counters, darkCounters, log, scheme, tracing });
      await router.listen(port);
      return {
        setRoutes(next, worker) {
          tables[worker] = next;
        },
        close: () => router.close(options.closeGraceMs()),
      };
    },
  };
}
