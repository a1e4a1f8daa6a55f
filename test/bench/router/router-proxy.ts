import type { Backend } from "../../../local/router/backend.ts";
import { createSideCounters } from "../../../local/router/counters.ts";
import { createRequestFeedLog } from "../../../local/router/feed.ts";
import { createRouter } from "../../../local/router/router.ts";
import type { Selection } from "../../../local/router/routing-table.ts";
import { weightedChoice } from "../../../local/router/weighted-choice.ts";

/** The router with everything on: weights, side header, per-side counters and histograms, feed, traces, deadline. */
const origin = process.argv[2] ?? "";
let inUse = 0;
const backend = (name: string): Backend => ({
  name,
  timeoutMs: 300_000,
  reserve: () => {
    if (inUse >= 1000) return { kind: "refusal", status: 429, headers: [], body: "no available instance" };
    inUse += 1;
    return {
      kind: "reservation",
      origin,
      instance: `${name}-1`,
      requestHeaders: [["forwarded", 'for="127.0.0.1";proto=https']],
      release: () => {
        inUse -= 1;
      },
    };
  },
});
const selections = ["cloud-run", "gke"].map(
  (side): Selection => ({
    kind: "backend",
    backend: backend(side),
    side,
    weighted: true,
    responseHeaders: [["x-switchyard-side", side]],
    requestHeaders: [],
  }),
);
const choose = weightedChoice([75, 25]);
const none: Selection = { kind: "answer", status: 503, body: "no healthy upstream" };
const table = { select: (_request: unknown, random: number) => selections[choose(random)] ?? none };

const router = createRouter({
  name: "bench",
  table: () => table,
  feed: createRequestFeedLog(),
  counters: createSideCounters(),
});
const { port } = await router.listen(0);
process.send?.({ port });
// Asked by its parent for the processor time used so far, µs.
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
process.once("disconnect", () => process.exit());
