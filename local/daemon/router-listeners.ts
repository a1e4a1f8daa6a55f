import type { ListenerHost } from "../compute/load-balancer.ts";
import type { SideCounters } from "../router/counters.ts";
import type { RequestFeedLog } from "../router/feed.ts";
import { createRouter } from "../router/router.ts";

export interface RouterListenersOptions {
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  /** For requests in flight when a listener closes, ms; asked at that time. */
  readonly closeGraceMs: () => number;
}

/** One router per forwarding rule; all of them feed the same log and counters. */
export function createRouterListeners(options: RouterListenersOptions): ListenerHost {
  return {
    async open({ name, port, scheme, routes }) {
      let table = routes;
      const { feed, counters } = options;
      const router = createRouter({ name, table: () => table, feed, counters, scheme });
      await router.listen(port);
      return {
        setRoutes(next) {
          table = next;
        },
        close: () => router.close(options.closeGraceMs()),
      };
    },
  };
}
