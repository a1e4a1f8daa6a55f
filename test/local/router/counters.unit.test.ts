import { expect, test } from "vitest";
import { bucketBoundsMs, createSideCounters } from "../../../local/router/counters.ts";

const whole = (durationMs: number) => ({ firstByteMs: durationMs / 2, durationMs });

test("given failures of both kinds, tells them apart, and counts times in buckets that rise", () => {
  const counters = createSideCounters();
  for (const [outcome, ms] of [
    ["ok", 1],
    ["application", 1.5],
    ["gateway", 4_000],
    ["ok", 3_600_000],
  ] as const) {
    counters.begin("kiro-https", "gke");
    counters.end("kiro-https", "gke", outcome, whole(ms));
  }
  const side = counters.snapshot()["gke"];
  expect(side).toMatchObject({ requests: 4, errors: 2, application: 1, gateway: 1, client: 0 });
  const upTo = (bound: (typeof bucketBoundsMs)[number], of: "whole" | "firstByte") =>
    side?.[of].upTo[bucketBoundsMs.indexOf(bound)];
  expect([upTo(1, "whole"), upTo(2, "whole"), upTo(2_000, "whole"), upTo(5_000, "whole")]).toEqual([1, 2, 2, 3]);
  // Half the time: the third one is there earlier, and an hour is beyond the last bound in any case.
  expect([upTo(1, "firstByte"), upTo(2_000, "firstByte"), upTo(60_000, "firstByte")]).toEqual([2, 3, 3]);
  expect(side?.whole).toMatchObject({ count: 4, sumMs: 1 + 1.5 + 4_000 + 3_600_000 });
});

test("given requests of two sides, counts each for itself", () => {
  const counters = createSideCounters();
  for (const side of ["gke", "gke", "gke", "cloud-run"]) counters.begin("kiro-https", side);
  counters.end("kiro-https", "gke", "ok", whole(10));
  counters.end("kiro-https", "gke", "gateway", whole(20));

  expect(counters.snapshot()).toMatchObject({
    gke: { requests: 2, errors: 1, inFlight: 1 },
    "cloud-run": { requests: 0, errors: 0, inFlight: 1, latencyMs: { p50: 0, p95: 0, p99: 0 } },
  });
});

test("given latencies from microseconds to an hour, the percentiles are right to a thousandth", () => {
  const counters = createSideCounters();
  for (let i = 1; i <= 1000; i++) {
    counters.begin("kiro-https", "gke");
    counters.end("kiro-https", "gke", "ok", whole(i / 10));
  }
  const { p50, p95, p99 } = counters.snapshot()["gke"]?.latencyMs ?? { p50: 0, p95: 0, p99: 0 };
  expect(p50 / 50).toBeCloseTo(1, 2);
  expect(p95 / 95).toBeCloseTo(1, 2);
  expect(p99 / 99).toBeCloseTo(1, 2);

  for (const ms of [0, 0.0004, 3_600_000, 1e12]) {
    counters.begin("kiro-https", "slow");
    counters.end("kiro-https", "slow", "ok", whole(ms));
  }
  expect(counters.snapshot()["slow"]?.latencyMs.p50).toBeCloseTo(0.001);
});

test("given a client that left, its time says nothing of the side", () => {
  const counters = createSideCounters();
  counters.begin("kiro-https", "gke");
  counters.end("kiro-https", "gke", "client", undefined);
  expect(counters.snapshot()["gke"]).toMatchObject({
    requests: 1,
    errors: 0,
    client: 1,
    inFlight: 0,
    latencyMs: { p50: 0, p95: 0, p99: 0 },
    whole: { count: 0, sumMs: 0 },
  });
});

test("given two listeners with sides of the same name, tells them apart, and adds them up for all", () => {
  const counters = createSideCounters();
  for (const [listener, latency] of [
    ["kiro-https", 10],
    ["other-https", 1_000],
  ] as const) {
    for (let i = 0; i < 100; i++) {
      counters.begin(listener, "gke");
      counters.end(listener, "gke", listener === "other-https" ? "application" : "ok", whole(latency));
    }
    counters.begin(listener, "gke");
  }
  expect(counters.snapshot("kiro-https")["gke"]).toMatchObject({ requests: 100, errors: 0, inFlight: 1 });
  expect(counters.snapshot("other-https")["gke"]).toMatchObject({ requests: 100, errors: 100, inFlight: 1 });
  const all = counters.snapshot()["gke"];
  expect(all).toMatchObject({ requests: 200, errors: 100, inFlight: 2 });
  expect((all?.latencyMs.p99 ?? 0) / 1_000).toBeCloseTo(1, 2);
  expect((counters.snapshot("kiro-https")["gke"]?.latencyMs.p99 ?? 0) / 10).toBeCloseTo(1, 2);
  expect(counters.snapshot("none")).toEqual({});
});
