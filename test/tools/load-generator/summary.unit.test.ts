import { describe, expect, test } from "vitest";
import { Histogram } from "../../../tools/load-generator/histogram.ts";
import { progressSchema, summarySchema } from "../../../tools/load-generator/messages.ts";
import type { Observation } from "../../../tools/load-generator/outcome.ts";
import { type PlannedRequest, planRequest } from "../../../tools/load-generator/plan.ts";
import { Recorder } from "../../../tools/load-generator/summary.ts";

const startedAt = 1_000_000;
const short = (index: number): PlannedRequest => ({
  ...planRequest(index, { rate: 200, seed: 1 }),
  kind: "short",
  durationMs: 0,
  events: 0,
});

const end = (
  request: PlannedRequest,
  intended: number,
  ended: number,
  changes: Partial<Observation> = {},
): Observation => ({
  request,
  intendedAt: startedAt + intended,
  sentAt: startedAt + intended,
  endedAt: startedAt + ended,
  status: 200,
  side: "gke",
  marker: "gke/pod-1",
  complete: true,
  body: { platform: "gke", requestId: `load-${request.index}` },
  problem: undefined,
  stallMs: ended - intended,
  ...changes,
});

const reset = {
  status: 0,
  side: "",
  marker: "",
  complete: false,
  body: undefined,
  problem: { kind: "reset", detail: "" },
} as const;
const generator = { cpuPercent: 5, peakMemoryBytes: 1 };

describe("the summary", () => {
  test("counts by end, second and phase, and keeps its own schema", () => {
    const recorder = new Recorder(startedAt);
    recorder.phase("before", startedAt);
    recorder.sent(short(0), startedAt + 100, startedAt + 101);
    recorder.sent(short(1), startedAt + 900, startedAt + 900);
    recorder.phase("swap", startedAt + 1_000);
    recorder.sent(short(2), startedAt + 1_500, startedAt + 1_520);
    recorder.ended(end(short(0), 100, 110));
    recorder.ended(end(short(1), 900, 1_200));
    recorder.ended(end(short(2), 1_500, 1_600, reset));
    const summary = summarySchema.parse(recorder.summary(startedAt + 2_000, generator));
    expect(summary).toMatchObject({
      sent: 3,
      ended: 3,
      failed: 1,
      failures: { swap: 1, client: 0, agent: {}, crash: {} },
    });
    expect(
      summary.seconds.map((second) => [second.sent, second.sides["gke"]?.ended ?? 0, second.failures.swap]),
    ).toEqual([
      [2, 1, 0],
      [1, 1, 1],
    ]);
    expect(summary.phases.map((phase) => [phase.name, phase.sent, phase.ended, phase.failed])).toEqual([
      ["before", 2, 2, 0],
      ["swap", 1, 1, 1],
    ]);
    expect(summary.phases.map((phase) => phase.to)).toEqual([startedAt + 1_000, startedAt + 2_000]);
    expect(summary.kinds.short).toEqual({ sent: 3, failed: 1 });
    expect(summary.longestStallMs).toBe(300);
    expect(summary.lagMs.max).toBe(20);
  });

  test("latency counts from the intended start, so that a late generator hides nothing", () => {
    const recorder = new Recorder(startedAt);
    recorder.sent(short(0), startedAt, startedAt + 400);
    recorder.ended(end(short(0), 0, 405, { sentAt: startedAt + 400 }));
    expect(recorder.summary(startedAt + 1_000, generator).sides["gke"]?.latencyMs?.max).toBe(405);
  });

  test("a crash that is told later takes the blame in the end", () => {
    const recorder = new Recorder(startedAt);
    recorder.sent(short(0), startedAt, startedAt);
    const broken = { complete: false, problem: { kind: "truncated", detail: "" } } as const;
    const seen = recorder.ended(end(short(0), 0, 50, broken));
    expect(seen?.attribution).toBe("swap");
    recorder.crash({ instance: "pod-1", platform: "gke", at: startedAt + 40 });
    const summary = recorder.summary(startedAt + 1_000, generator);
    expect(summary.failures).toEqual({ swap: 0, client: 0, agent: {}, crash: { gke: 1 } });
    expect(summary.failureList[0]?.attribution).toBe("crash");
  });

  test("agents are blamed by side", () => {
    const recorder = new Recorder(startedAt);
    for (const [index, side] of ["gke", "gke", "cloud-run"].entries()) {
      recorder.sent(short(index), startedAt, startedAt);
      const problem = { kind: "status", detail: "500" } as const;
      recorder.ended(end(short(index), 0, 5, { side, marker: `${side}/i`, status: 500, problem }));
    }
    expect(recorder.summary(startedAt + 1_000, generator).failures.agent).toEqual({ gke: 2, "cloud-run": 1 });
  });

  test("lists 1,000 failures and counts all", () => {
    const recorder = new Recorder(startedAt);
    let announced = 0;
    for (let index = 0; index < 1_200; index += 1) {
      recorder.sent(short(index), startedAt, startedAt);
      if (recorder.ended(end(short(index), 0, 5, reset)) !== undefined) announced += 1;
    }
    const summary = recorder.summary(startedAt + 1_000, generator);
    expect([announced, summary.failureList.length, summary.failed, summary.failures.swap]).toEqual([
      1_000, 1_000, 1_200, 1_200,
    ]);
  });

  test("progress shows the last whole second and the lag since the last progress", () => {
    const recorder = new Recorder(startedAt);
    recorder.sent(short(0), startedAt, startedAt + 7);
    recorder.ended(end(short(0), 0, 500));
    const first = progressSchema.parse(recorder.progress(startedAt + 1_001));
    expect(first).toMatchObject({ sent: 1, ended: 1, inFlight: 0, lagMs: 7, sides: { gke: { ended: 1, failed: 0 } } });
    expect(recorder.progress(startedAt + 2_001)).toMatchObject({ lagMs: 0, sides: {} });
  });
});

describe("the histogram", () => {
  test("is within 1 % of the true quantiles and never above the maximum", () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 10_000; value += 1) histogram.add(value / 10);
    const summary = histogram.summary();
    expect((summary?.p50 ?? 0) / 500).toBeCloseTo(1.005, 2);
    expect((summary?.p95 ?? 0) / 950).toBeCloseTo(1.005, 2);
    expect(summary?.max).toBe(1_000);
    expect(summary?.p99).toBeLessThanOrEqual(1_000);
  });

  test("one value is all its quantiles; none is no summary", () => {
    expect(new Histogram().summary()).toBeUndefined();
    const one = new Histogram();
    one.add(3);
    expect(one.summary()).toEqual({ p50: 3, p95: 3, p99: 3, max: 3 });
  });
});
