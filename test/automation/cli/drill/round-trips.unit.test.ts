import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { judge, type Trips, upperBound } from "../../../../automation/cli/drill/round-trips.ts";
import type { SwapState } from "../../../../automation/swap/state.ts";
import { gkeFailing, swapOf } from "../../../support/swap-screen.ts";

let completed: SwapState;
let rolledBack: SwapState;
beforeAll(async () => {
  ({ state: completed } = await swapOf({}));
  ({ state: rolledBack } = await swapOf({ prepare: gkeFailing(0.5) }));
});

const none = { swap: 0, client: 0, agent: {}, crash: {} };
const trips = (fields: Partial<Trips> = {}): Trips => ({
  wanted: 2,
  swaps: [
    { title: "Trip 1 there", state: completed },
    { title: "Trip 1 back", state: completed },
  ],
  broke: undefined,
  ...fields,
});
type Load = Parameters<typeof judge>[1];
const load = (fields: Partial<Load> = {}): Load => ({
  sent: 1_000,
  failed: 0,
  failures: none,
  sides: { "cloud-run": { ended: 600, failed: 0 }, gke: { ended: 400, failed: 0 } },
  kinds: {
    short: { sent: 900, failed: 0 },
    slow: { sent: 80, failed: 0 },
    stream: { sent: 15, failed: 0 },
    long: { sent: 5, failed: 0 },
  },
  phases: [
    { name: "start", sent: 10, failed: 0, failures: none },
    { name: "trip-1 there", sent: 490, failed: 0, failures: none },
    { name: "trip-1 back", sent: 500, failed: 1, failures: { ...none, swap: 1 } },
  ],
  ...fields,
});
const router = { "cloud-run": { requests: 600 }, gke: { requests: 400 } };

describe("round trips", () => {
  it("are good when every swap completed, nothing failed and both counts are equal", () => {
    expect(judge(trips(), load(), router)).toEqual({
      swaps: [
        expect.objectContaining({ title: "Trip 1 there", end: "completed", sent: 490, failed: 0, swapCaused: 0 }),
        // A request belongs to the trip in which it began.
        expect.objectContaining({ title: "Trip 1 back", end: "completed", sent: 500, failed: 1, swapCaused: 1 }),
      ],
      requests: {
        sent: 1_000,
        failed: 0,
        swapCaused: 0,
        clientCaused: 0,
        agentCaused: 0,
        long: { sent: 5, failed: 0 },
        swapCausedBound: 0.002996,
      },
      counts: [
        { side: "cloud-run", router: 600, load: 600 },
        { side: "gke", router: 400, load: 400 },
      ],
      problems: [],
    });
    expect(judge(trips(), load(), router).swaps[0]?.durationMs).toBe((completed.end?.at ?? 0) - completed.startedAt);
  });

  it.each([
    [
      "a request that failed because of a swap",
      { failures: { ...none, swap: 1 } },
      "1 of 1000 requests failed because of a swap",
    ],
    [
      "a healthy agent that failed",
      { failures: { ...none, agent: { gke: 2 }, crash: { "cloud-run": 1 } } },
      "3 requests failed by the agent or its crashes, which nobody asked for",
    ],
    [
      "a load generator that failed",
      { failures: { ...none, client: 4 } },
      "4 requests failed by the load generator itself",
    ],
    ["no load", { sent: 0 }, "no request was sent"],
  ])("find %s", (_name, fields, problem) => {
    expect(judge(trips(), load(fields), router).problems).toEqual([problem]);
  });

  it("find a side that the router counted otherwise, or that only one of both knows", () => {
    const found = (sides: Parameters<typeof judge>[2]) => judge(trips(), load(), sides).problems;
    expect(found({ ...router, gke: { requests: 401 } })).toEqual([
      "the router counted 401 requests on gke, the load generator 400",
    ]);
    expect(found({ gke: router.gke })).toEqual(["the router counted 0 requests on cloud-run, the load generator 600"]);
    expect(found({ ...router, eks: { requests: 1 } })).toEqual([
      "the router counted 1 requests on eks, the load generator 0",
    ]);
  });

  it("leave out requests that no side answered: they are among the failures", () => {
    const sides = { ...load().sides, "": { ended: 3, failed: 3 } };
    expect(judge(trips(), load({ sides }), router)).toMatchObject({ problems: [], counts: [{}, {}] });
  });

  it("find a swap that ended otherwise, and one that did not end", () => {
    const [there] = trips().swaps;
    const back = { title: "Trip 1 back", state: rolledBack };
    expect(judge(trips({ swaps: [...(there ? [there] : []), back] }), load(), router).problems).toEqual([
      "Trip 1 back ended rolled-back",
    ]);
    expect(
      judge(trips({ swaps: trips().swaps.slice(0, 1), broke: "demo-failed: it stands" }), load(), router).problems,
    ).toEqual(["demo-failed: it stands", "only 1 of 2 swaps came to an end"]);
  });
});

describe("the upper bound of a share", () => {
  it("is three in the number for none (research 2.5), and Poisson's above", () => {
    expect(upperBound(0, 3_000)).toBeCloseTo(0.001, 5);
    expect(upperBound(0, 300_000)).toBeCloseTo(0.00001, 7);
    expect(upperBound(1, 1_000)).toBeCloseTo(0.004744, 6);
    expect(upperBound(5, 1_000)).toBeCloseTo(0.010513, 6);
    // Exact: half of chi squared's 95 % quantile with 22 and 202 degrees of freedom.
    expect(upperBound(10, 1)).toBe(1);
    expect(upperBound(10, 1_000_000) * 1_000_000).toBeCloseTo(16.962, 1);
    expect(upperBound(100, 1_000_000) * 1_000_000).toBeCloseTo(118.079, 1);
  });

  it("is everything when nothing was sent", () => {
    expect(upperBound(0, 0)).toBe(1);
  });

  it("is above the share, at most 1, and rises with the count", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 1_000_000 }), (count, more) => {
        const of = count + more;
        const bound = upperBound(count, of);
        expect(bound).toBeGreaterThan(Math.min(count / of, 0.999999));
        expect(bound).toBeLessThanOrEqual(1);
        expect(upperBound(count + 1, of)).toBeGreaterThanOrEqual(bound);
      }),
    );
  });
});
