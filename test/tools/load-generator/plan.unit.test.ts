import { describe, expect, test } from "vitest";
import { planLongRequest, planRequest } from "../../../tools/load-generator/plan.ts";

const plan = { rate: 200, seed: 7 };
const all = Array.from({ length: 20_000 }, (_, index) => planRequest(index, plan));
const share = (of: (request: (typeof all)[number]) => boolean): number => all.filter(of).length / all.length;

describe("the plan", () => {
  test("is the same for the same seed and another for another", () => {
    expect(planRequest(5, plan)).toEqual(planRequest(5, plan));
    expect(planRequest(5, plan)).not.toEqual(planRequest(5, { ...plan, seed: 8 }));
  });

  test("starts one request in every slot of 1/rate, in order", () => {
    expect(all.every((request) => Math.floor(request.startMs / 5) === request.index)).toBe(true);
  });

  test("does not start at the beginning of each slot: the moments are spread over it", () => {
    const offsets = all.map((request) => request.startMs % 5);
    expect(Math.min(...offsets)).toBeLessThan(0.1);
    expect(Math.max(...offsets)).toBeGreaterThan(4.9);
  });

  test("has 90 % short, 8 % slow of 3 to 5 s, 2 % streams; half on fresh connections", () => {
    expect(share((request) => request.kind === "short")).toBeCloseTo(0.9, 2);
    expect(share((request) => request.kind === "slow")).toBeCloseTo(0.08, 2);
    expect(share((request) => request.kind === "stream")).toBeCloseTo(0.02, 2);
    expect(share((request) => request.fresh)).toBeCloseTo(0.5, 1);
    for (const request of all) {
      if (request.kind === "slow") expect(request.durationMs).toBeGreaterThanOrEqual(3_000);
      expect(request.durationMs).toBeLessThanOrEqual(request.kind === "slow" ? 5_000 : 0);
      expect(request.events > 0).toBe(request.kind === "stream");
    }
  });

  test("kind and connection are independent of each other and of the neighbours", () => {
    const slow = all.filter((request) => request.kind === "slow");
    expect(slow.filter((request) => request.fresh).length / slow.length).toBeCloseTo(0.5, 1);
    const afterSlow = slow.filter((request) => all[request.index + 1]?.kind === "slow").length / slow.length;
    expect(afterSlow).toBeLessThan(0.12);
  });
});

describe("long requests", () => {
  test("begin at even distances, take turns between one answer and a stream, and all last as long", () => {
    const plan = { everyMs: 5_000, durationMs: 60_000 };
    const requests = [0, 1, 2, 3].map((number) => planLongRequest(number, plan));
    expect(requests.map((request) => request.startMs)).toEqual([2_500, 7_500, 12_500, 17_500]);
    expect(requests.map((request) => request.events > 0)).toEqual([false, true, false, true]);
    for (const request of requests) expect(request.durationMs + request.events * request.intervalMs).toBe(60_000);
    expect(new Set(requests.map((request) => request.index)).size).toBe(4);
  });
});
