import { expect, test } from "vitest";
import { createSideCounters } from "../../../local/router/counters.ts";

test("given requests of two sides, counts each for itself", () => {
  const counters = createSideCounters();
  for (const side of ["gke", "gke", "gke", "cloud-run"]) counters.begin(side);
  counters.end("gke", false, 10);
  counters.end("gke", true, 20);

  expect(counters.snapshot()).toMatchObject({
    gke: { requests: 2, errors: 1, inFlight: 1 },
    "cloud-run": { requests: 0, errors: 0, inFlight: 1, latencyMs: { p50: 0, p95: 0, p99: 0 } },
  });
});

test("given latencies from microseconds to an hour, the percentiles are right to a thousandth", () => {
  const counters = createSideCounters();
  for (let i = 1; i <= 1000; i++) {
    counters.begin("gke");
    counters.end("gke", false, i / 10);
  }
  const { p50, p95, p99 } = counters.snapshot()["gke"]?.latencyMs ?? { p50: 0, p95: 0, p99: 0 };
  expect(p50 / 50).toBeCloseTo(1, 2);
  expect(p95 / 95).toBeCloseTo(1, 2);
  expect(p99 / 99).toBeCloseTo(1, 2);

  for (const ms of [0, 0.0004, 3_600_000, 1e12]) {
    counters.begin("slow");
    counters.end("slow", false, ms);
  }
  expect(counters.snapshot()["slow"]?.latencyMs.p50).toBeCloseTo(0.001);
});

test("given a client that left, its time says nothing of the side", () => {
  const counters = createSideCounters();
  counters.begin("gke");
  counters.end("gke", false, undefined);
  expect(counters.snapshot()["gke"]).toEqual({
    requests: 1,
    errors: 0,
    inFlight: 0,
    latencyMs: { p50: 0, p95: 0, p99: 0 },
  });
});
