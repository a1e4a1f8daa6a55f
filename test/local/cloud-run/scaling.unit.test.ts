import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chooseScaleIn,
  idleLimitMs,
  pendingLimitMs,
  recommend,
  startBackoffMs,
  startsForQueue,
} from "../../../local/cloud-run/scaling.ts";

const limits = { concurrency: 80, cpu: 1, min: 0, max: 100 };
const load = (oneMinute: number, tenMinutes = 0, cpuUsed?: number) => ({
  inFlight: { oneMinute, tenMinutes },
  cpuUsed,
});

describe("the metrics-based driver", () => {
  it.each([
    [50, 10, 9],
    [500, 80, 11],
    [30, 10, 5],
    [0, 80, 0],
    [0.01, 80, 1],
  ])("%d in flight at concurrency %d asks for %d instances (statement 33)", (inFlight, concurrency, instances) => {
    expect(recommend(load(inFlight), { ...limits, concurrency })).toEqual({ instances, reason: "concurrency" });
  });

  it("takes the larger of the two windows", () => {
    expect(recommend(load(48, 480), limits).instances).toBe(10);
    expect(recommend(load(480, 48), limits).instances).toBe(10);
  });

  it("asks for CPU used / vCPU / 0.60 where that is more (statement 32)", () => {
    expect(recommend(load(48, 0, 3), limits)).toEqual({ instances: 5, reason: "cpu" });
    expect(recommend(load(48, 0, 3), { ...limits, cpu: 4 }).instances).toBe(2);
  });

  it("stays between minimum and maximum (statement 34)", () => {
    expect(recommend(load(0), { ...limits, min: 2 })).toEqual({ instances: 2, reason: "min" });
    expect(recommend(load(5000), { ...limits, max: 3 })).toEqual({ instances: 3, reason: "max" });
  });
});

describe("the on-demand driver", () => {
  const waiting = (requests: number, starting = 0, ready = 0) => ({
    waiting: requests,
    probesWait: false,
    starting,
    ready,
  });

  it("starts from zero for the first request and no second one for what the first can take", () => {
    expect(startsForQueue(waiting(1), limits)).toBe(1);
    expect(startsForQueue(waiting(80, 1), limits)).toBe(0);
    expect(startsForQueue(waiting(81, 1), limits)).toBe(1);
  });

  it("wakes a sleeping service for a probe but adds nothing for probes", () => {
    expect(startsForQueue({ ...waiting(0), probesWait: true }, limits)).toBe(1);
    expect(startsForQueue({ ...waiting(0, 0, 1), probesWait: true }, limits)).toBe(0);
  });

  it("never passes the maximum", () => {
    const counts = fc.nat(200);
    fc.assert(
      fc.property(
        counts,
        counts,
        counts,
        fc.integer({ min: 1, max: 1000 }),
        counts,
        (requests, starting, ready, concurrency, max) => {
          const starts = startsForQueue(waiting(requests, starting, ready), { concurrency, max });
          expect(starts).toBeGreaterThanOrEqual(0);
          expect(starts === 0 || starts + starting + ready <= max).toBe(true);
        },
      ),
    );
  });
});

describe("scale-in", () => {
  const now = 10 * idleLimitMs;
  const idle = (name: string, forMs: number) => ({ name, inFlight: 0, idleSince: now - forMs });
  const busy = (name: string, inFlight: number) => ({ name, inFlight, idleSince: undefined });

  it("retires instances that are idle for 15 minutes, not those a moment younger (statement 37)", () => {
    const candidates = [idle("a", idleLimitMs), idle("b", idleLimitMs - 1)];
    expect(chooseScaleIn(candidates, now, { min: 0, mostRecommended: 2 })).toEqual(["a"]);
  });

  it("retires busy instances above what was recommended, the emptiest first", () => {
    const candidates = [busy("a", 5), busy("b", 1), busy("c", 9)];
    expect(chooseScaleIn(candidates, now, { min: 0, mostRecommended: 2 })).toEqual(["b"]);
  });

  it("keeps the minimum", () => {
    const candidates = [idle("a", 2 * idleLimitMs), idle("b", 2 * idleLimitMs)];
    expect(chooseScaleIn(candidates, now, { min: 1, mostRecommended: 0 })).toEqual(["a"]);
    expect(chooseScaleIn(candidates, now, { min: 2, mostRecommended: 0 })).toEqual([]);
  });
});

it("lets requests wait 10 s, or 3.5 times the average start where that is longer (statement 40)", () => {
  expect(pendingLimitMs(0)).toBe(10_000);
  expect(pendingLimitMs(4000)).toBe(14_000);
});

it("holds back starts after the second failure in a row, at most 5 s", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 60].map(startBackoffMs)).toEqual([0, 0, 1000, 2000, 4000, 5000, 5000, 5000]);
});
