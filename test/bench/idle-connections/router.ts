import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSideCounters } from "../../../local/router/counters.ts";
import { createRequestFeedLog } from "../../../local/router/feed.ts";
import { createRouter } from "../../../local/router/router.ts";
import type { Selection } from "../../../local/router/routing-table.ts";

/** The router alone in its process, before one origin. Asked by its parent it collects its garbage and reports its size. */
const origin = process.argv[2] ?? "";
const selection: Selection = {
  kind: "backend",
  backend: {
    name: "bench",
    timeoutMs: 300_000,
    reserve: () => ({ kind: "reservation", origin, instance: "bench-1", requestHeaders: [], release: () => undefined }),
  },
  side: "gke",
  weighted: true,
  responseHeaders: [["x-switchyard-side", "gke"]],
  requestHeaders: [],
};
const router = createRouter({
  name: "idle",
  table: () => ({ select: () => selection }),
  feed: createRequestFeedLog(),
  counters: createSideCounters(),
});
const { port } = await router.listen(0);

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");
if (typeof collect !== "function") throw new Error("The garbage collector cannot be called.");

process.on("message", () => {
  // Twice: what the first pass frees may hold what only the second finds.
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ rss, heapUsed, external });
});
process.once("disconnect", () => process.exit());
process.send?.({ port });
