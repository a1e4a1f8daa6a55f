import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Allowance,
  allowanceOf,
  type Budget,
  backoffMs,
  learn,
  startBudget,
  take,
} from "../../../automation/adapters/request-budget.ts";

const heard: Budget = { ...startBudget, heard: true };
const limits = { perMinute: 60 };

/** Takes as soon as it may; the time of each. Replies come at once and say what `said` says. */
function taken(
  count: number,
  from: Budget,
  said: (now: number) => Allowance = () => ({}),
  given = limits,
): readonly number[] {
  const times: number[] = [];
  let [budget, now] = [from, 0];
  while (times.length < count) {
    const next = take(budget, given, now);
    if (next.kind === "listen") throw new Error("nothing is under way");
    if (next.kind === "wait") {
      now += next.ms;
      continue;
    }
    times.push(now);
    budget = learn(next.budget, given, now, now, said(now));
  }
  return times;
}

describe("a rate", () => {
  test("lets a tenth of a minute's requests go at once and spreads the others", () => {
    const times = taken(20, heard);
    expect(times.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    const gaps = times.slice(7).map((time, index) => time - (times[index + 6] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1_093);
    expect(Math.min(...gaps)).toBeGreaterThan(1_000);
  });

  test("holds in any 60 s, whatever the limit and whenever somebody asks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.array(fc.nat(20_000), { maxLength: 60 }), (perMinute, gaps) => {
        const times: number[] = [];
        let [budget, now] = [heard, 0];
        for (const gap of gaps) {
          now += gap;
          // As many as are let through at this moment.
          for (
            let next = take(budget, { perMinute }, now);
            next.kind === "go";
            next = take(budget, { perMinute }, now)
          ) {
            times.push(now);
            budget = learn(next.budget, { perMinute }, now, now, {});
          }
        }
        for (const [index, time] of times.entries()) {
          const within = times.slice(index).filter((other) => other < time + 60_000);
          expect(within.length).toBeLessThanOrEqual(perMinute);
        }
      }),
    );
  });

  test("is used: a minute of asking gets nine tenths of it", () => {
    for (const perMinute of [1, 2, 10, 100, 300]) {
      const times = taken(perMinute, heard, undefined, { perMinute });
      expect(times.filter((time) => time < 60_000).length).toBeGreaterThanOrEqual(Math.floor(perMinute * 0.9));
    }
  });
});

describe("what a server says is left", () => {
  const wide = { perMinute: 100_000 };

  test("is used to half at most, then the end of its period is waited for", () => {
    const said = (now: number): Allowance => ({ remaining: 20, resetInMs: 30_000 - now });
    let budget = learn(heard, wide, 0, 0, said(0));
    for (let sent = 0; sent < 10; sent += 1) {
      const next = take(budget, wide, 0);
      if (next.kind !== "go") throw new Error(`it waits after ${sent}`);
      budget = learn(next.budget, wide, 0, 0, { remaining: 20 - sent - 1, resetInMs: 30_000 });
    }
    // 10 are left, 5 of which would be half; but half of the period's is used.
    expect(take(budget, wide, 0)).toEqual({ kind: "wait", ms: 30_000 });
    expect(take(budget, wide, 30_000).kind).toBe("go");
  });

  test("counts those that are under way", () => {
    let budget = heard;
    for (let sent = 0; sent < 4; sent += 1) {
      const next = take(budget, wide, 0);
      if (next.kind === "go") budget = next.budget;
    }
    budget = learn(budget, wide, 0, 0, { remaining: 8, resetInMs: 10_000 });
    expect(budget.quota?.left).toBe(1);
  });

  test("is never above half of it, with others that use it too and replies out of order", () => {
    const step = fc.record({ ours: fc.nat(3), others: fc.nat(5), replies: fc.nat(4), passed: fc.nat(15_000) });
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 80 }), fc.array(step, { maxLength: 80 }), (limit, steps) => {
        let [budget, now, used, ours, period, atStart] = [startBudget, 0, 0, 0, 0, 0];
        const waiting: (Allowance & { readonly sentAt: number })[] = [];
        for (const { ours: wanted, others, replies, passed } of steps) {
          now += passed;
          const current = Math.floor(now / 60_000);
          if (current !== period) [period, used, ours, atStart] = [current, 0, 0, 0];
          const foreign = Math.min(others, limit - used);
          used += foreign;
          for (let sent = 0; sent < wanted; sent += 1) {
            const next = take(budget, wide, now);
            if (next.kind !== "go") break;
            budget = next.budget;
            if (ours === 0) atStart = limit - used;
            used += 1;
            ours += 1;
            waiting.push({ sentAt: now, remaining: Math.max(0, limit - used), resetInMs: (period + 1) * 60_000 - now });
          }
          for (const { sentAt, ...reply } of waiting.splice(0, replies))
            budget = learn(budget, wide, now, sentAt, reply);
          expect(ours).toBeLessThanOrEqual(1 + Math.floor(Math.max(0, atStart - 1) / 2));
        }
      }),
    );
  });

  test("a server that was never heard is asked by one request first", () => {
    const first = take(startBudget, wide, 0);
    if (first.kind !== "go") throw new Error("the first waits");
    expect(take(first.budget, wide, 0)).toEqual({ kind: "listen" });
    expect(take(learn(first.budget, wide, 5, 0, undefined), wide, 5).kind).toBe("go");
    expect(take(learn(first.budget, wide, 5, 0, { remaining: 1, resetInMs: 1_000 }), wide, 5)).toEqual({
      kind: "wait",
      ms: 1_000,
    });
  });

  test("a server that says nothing of it is not waited for", () => {
    expect(take(learn(heard, wide, 0, 0, {}), wide, 0).kind).toBe("go");
  });

  test("a pause holds for all", () => {
    expect(take(learn(heard, wide, 0, 0, { retryAfterMs: 700 }), wide, 0)).toEqual({ kind: "wait", ms: 700 });
  });
});

describe("headers", () => {
  const of = (headers: Readonly<Record<string, string>>, wallMs = 1_800_000_000_000) =>
    allowanceOf((name) => headers[name], wallMs);

  test("GitLab's, with an epoch by the server's own clock", () => {
    const date = new Date(1_700_000_000_000).toUTCString();
    expect(
      of({
        date,
        "ratelimit-limit": "600",
        "ratelimit-remaining": "40",
        "ratelimit-reset": "1700000030",
        "retry-after": "30",
      }),
    ).toEqual({ remaining: 40, resetInMs: 30_000, retryAfterMs: 30_000 });
  });

  test("Datadog's, with seconds to go", () => {
    expect(of({ "x-ratelimit-limit": "300", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "12" })).toEqual({
      remaining: 7,
      resetInMs: 12_000,
      retryAfterMs: undefined,
    });
  });

  test("a date to retry after, by either clock", () => {
    const at = (ms: number) => new Date(ms).toUTCString();
    expect(of({ "retry-after": at(1_800_000_009_000) }).retryAfterMs).toBe(9_000);
    expect(of({ "retry-after": at(1_700_000_009_000), date: at(1_700_000_000_000) }).retryAfterMs).toBe(9_000);
    expect(of({ "retry-after": at(1) }).retryAfterMs).toBe(0);
  });

  test.each([{}, { "retry-after": "soon", "ratelimit-remaining": "-1", "ratelimit-reset": "x" }])(
    "none of %j",
    (headers) => {
      expect(of(headers)).toEqual({
        limit: undefined,
        remaining: undefined,
        resetInMs: undefined,
        retryAfterMs: undefined,
      });
    },
  );

  test("an end of the period that is days away is a wrong clock", () => {
    expect(of({ "ratelimit-reset": "1900000000" }).resetInMs).toBe(3_600_000);
  });
});

test("backing off doubles to its limit, and half of it is chance", () => {
  const backoff = { firstMs: 1_000, longestMs: 30_000 };
  expect([0, 1, 2, 3, 4, 5, 6, 1_000].map((attempt) => backoffMs(backoff, attempt, 0))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ]);
  expect(backoffMs(backoff, 2, 0.999)).toBeCloseTo(3_998);
});
