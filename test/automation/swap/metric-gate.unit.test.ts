import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { MetricSource } from "../../../automation/ports/metric-source.ts";
import { type MetricChecks, metricChecks } from "../../../automation/swap/metric-checks.ts";
import {
  type Measurement,
  measure,
  measurementWindow,
  nextMeasurementAt,
} from "../../../automation/swap/metric-gate.ts";
import { createFakeMetricSource, type FakeMetricSource } from "../../support/fake-metric-source.ts";

const since = Date.UTC(2026, 10, 20, 12);
const minutes = 10;
const steps = minutes * 6;

const sources = { prometheus: { url: "http://localhost:9090" }, datadog: {} };
const settings = (checks: readonly object[], more: object = {}): MetricChecks =>
  metricChecks.parse({ sources, checks: checks.map((check) => ({ source: "prometheus", ...check })), ...more });
const check = (name: string, more: object = {}) => ({ name, query: `${name}{side="{platform}"}`, ...more });

/** A wave of five values, so that no two series are constant. */
const wave = (level: number, points = steps): readonly number[] =>
  Array.from({ length: points }, (_, index) => level * (1 + (index % 5) / 50));

function hold(source: FakeMetricSource, name: string, side: string, values: readonly number[]): void {
  const points = values.map((value, index) => [since + index * 10_000, value] as const);
  source.metrics.series.set(`${name}{side="${side}"}`, new Map([[name, points]]));
}

/** The same numbers every time. */
function seeded(): () => number {
  let state = 7;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface Levels {
  readonly candidate: readonly number[];
  readonly old: readonly number[];
}

const run = (
  checks: MetricChecks,
  from: Readonly<Record<string, MetricSource>>,
  signal?: AbortSignal,
): Promise<Measurement> =>
  measure(
    checks,
    from,
    {
      candidate: "cloud-run",
      old: "gke",
      environment: "prod",
      fromMs: since,
      toMs: since + minutes * 60_000,
      random: seeded(),
    },
    signal,
  );

async function measured(checks: MetricChecks, held: Readonly<Record<string, Levels>>): Promise<Measurement> {
  const source = createFakeMetricSource();
  for (const [name, { candidate, old }] of Object.entries(held)) {
    hold(source, name, "cloud-run", candidate);
    hold(source, name, "gke", old);
  }
  return run(checks, { prometheus: source });
}

const same = { candidate: wave(100), old: wave(100).toReversed() };
const worse = { candidate: wave(200), old: wave(100) };

describe("the verdict", () => {
  test("no difference is successful, with the numbers that say so", async () => {
    const { verdict, evidence, metrics } = await measured(settings([check("latency")]), { latency: same });
    expect(verdict).toBe("successful");
    expect(evidence).toMatchObject({ score: 100, pass: 95, marginal: 75, leastPoints: steps, metrics: 1 });
    expect(evidence["warning"]).toBeUndefined();
    expect(metrics).toMatchObject([
      { name: "latency", classification: "Pass", candidatePoints: steps, oldPoints: steps },
    ]);
  });

  test("a metric twice as high fails, and the evidence tells by how much", async () => {
    const { verdict, evidence } = await measured(settings([check("latency")]), { latency: worse });
    expect(verdict).toBe("failed");
    expect(evidence["metric latency"]).toMatch(
      /^High: higher than on the old side; ratio 2, shift 10\d\.?\d* \(.* to .*\), 60 against 60/,
    );
  });

  test("a score between marginal and pass is inconclusive, each bound included", async () => {
    const four = ["a", "b", "c", "d"].map((name) => check(name));
    const held = { a: same, b: same, c: same, d: worse };
    expect((await measured(settings(four, { pass: 75 }), held)).verdict).toBe("successful");
    expect((await measured(settings(four, { marginal: 75 }), held)).verdict).toBe("inconclusive");
    expect((await measured(settings(four, { marginal: 75.01 }), held)).verdict).toBe("failed");
  });

  test("one critical metric fails what all others pass", async () => {
    const checks = settings(
      [check("a"), check("b"), check("c", { critical: true })].concat(
        Array.from({ length: 40 }, (_, n) => check(`m${n}`)),
      ),
      { marginal: 0, pass: 0 },
    );
    const held = Object.fromEntries(checks.checks.map(({ name }) => [name, name === "c" ? worse : same]));
    const { verdict, evidence } = await measured(checks, held);
    expect(verdict).toBe("failed");
    expect(evidence).toMatchObject({ score: 0, reason: "critical metrics did not pass: c" });
  });

  test("a muted metric is measured and has no say", async () => {
    const { verdict, metrics } = await measured(settings([check("a"), check("b", { muted: true, critical: true })]), {
      a: same,
      b: worse,
    });
    expect(verdict).toBe("successful");
    expect(metrics[1]).toMatchObject({ name: "b", classification: "High", muted: true });
  });

  test("fewer than fifty points are warned of", async () => {
    const few = { candidate: wave(100, 20), old: wave(100) };
    const { verdict, evidence } = await measured(settings([check("latency")]), { latency: few });
    expect(verdict).toBe("successful");
    expect(evidence["warning"]).toMatch(/fewer than 50 points \(20\)/);
  });

  test("constant series are told apart the same way every time", async () => {
    const constant = { candidate: Array(30).fill(3), old: Array(30).fill(2) };
    const checks = settings([check("a"), check("b")]);
    const first = await measured(checks, { a: constant, b: constant });
    expect(first.verdict).toBe("failed");
    expect(await measured(checks, { a: constant, b: constant })).toEqual(first);
  });

  test("which of two answers comes first changes no number", async () => {
    const source = createFakeMetricSource();
    const checks = settings([check("a"), check("b")]);
    for (const { name } of checks.checks) {
      hold(source, name, "cloud-run", Array(30).fill(3));
      hold(source, name, "gke", Array(30).fill(2));
    }
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    const late: MetricSource = {
      ...source,
      async query(query) {
        const values = await source.query(query);
        if (query.query.startsWith("a")) await answered;
        else resolve();
        return values;
      },
    };
    expect(await run(checks, { prometheus: late })).toEqual(await run(checks, { prometheus: source }));
  });
});

describe("what cannot be known neither passes nor fails", () => {
  test("silence is inconclusive, on one side or on both", async () => {
    const checks = settings([check("latency")]);
    expect((await measured(checks, {})).verdict).toBe("inconclusive");
    const { verdict, evidence } = await measured(checks, { latency: { candidate: [], old: wave(100) } });
    expect(verdict).toBe("inconclusive");
    expect(evidence).toMatchObject({ score: 0, reason: "half of the metrics or more have no data" });
    expect(evidence["metric latency"]).toMatch(/^Nodata: no data of the candidate/);
  });

  test("missing data fail where the user asked for it: required, or critical", async () => {
    expect((await measured(settings([check("a", { must_have_data: true })]), {})).verdict).toBe("failed");
    expect(
      (await measured(settings([check("a"), check("b"), check("c", { critical: true })]), { a: same, b: same }))
        .verdict,
    ).toBe("failed");
  });

  test("missing data of a minority of the metrics are left out", async () => {
    const { verdict } = await measured(settings([check("a"), check("b"), check("c")]), { a: same, b: same });
    expect(verdict).toBe("successful");
  });

  test("missing points that count as zero: a counter that only one side has is compared with zeros", async () => {
    const checks = settings([check("errors", { nan_strategy: "replace" })]);
    const gaps = wave(5).map((value, index) => (index < 40 ? value : Number.NaN));
    expect((await measured(checks, { errors: { candidate: gaps, old: Array(steps).fill(0) } })).verdict).toBe("failed");
    expect((await measured(checks, {})).verdict).toBe("successful");
  });

  test.each([
    ["a difference", worse],
    ["no difference", same],
  ])("with too few points for any proof, %s is inconclusive", async (_what, levels) => {
    const four = { candidate: levels.candidate.slice(0, 4), old: levels.old.slice(0, 4) };
    const checks = settings([check("latency", { critical: true })]);
    const { verdict, evidence, metrics } = await measured(checks, { latency: four });
    expect(verdict).toBe("inconclusive");
    expect(evidence["reason"]).toBe("too few points to tell: latency");
    expect(metrics).toMatchObject([{ thin: true }]);
  });

  test("too few points of one metric do not save what the others have failed already", async () => {
    const four = { candidate: worse.candidate.slice(0, 4), old: worse.old.slice(0, 4) };
    const { verdict } = await measured(settings([check("a"), check("b")]), { a: four, b: worse });
    expect(verdict).toBe("failed");
  });

  test("one point against one cannot be compared, which is inconclusive and no pass", async () => {
    const { verdict, metrics } = await measured(settings([check("a")]), { a: { candidate: [5], old: [3] } });
    expect([verdict, metrics[0]?.classification]).toEqual(["inconclusive", "Error"]);
  });

  test("before a whole step has passed nothing is asked", async () => {
    const source = createFakeMetricSource();
    const checks = settings([check("a")], { warm_up: minutes * 60 });
    expect((await run(checks, { prometheus: source })).verdict).toBe("inconclusive");
    expect(source.asked).toEqual([]);
  });
});

describe("a source that cannot be read", () => {
  const failing = (): FakeMetricSource => {
    const source = createFakeMetricSource();
    source.failWith("connection refused");
    return source;
  };
  const good = (level: Levels): FakeMetricSource => {
    const source = createFakeMetricSource();
    hold(source, "latency", "cloud-run", level.candidate);
    hold(source, "latency", "gke", level.old);
    return source;
  };
  const both = (more: object = {}): MetricChecks =>
    settings([check("latency", more), check("apdex", { source: "datadog" })]);

  test("is an error with its words, without a score, whether the others pass or fail", async () => {
    for (const level of [same, worse]) {
      const { verdict, evidence } = await run(both(), { prometheus: good(level), datadog: failing() });
      expect(verdict).toBe("error");
      expect(evidence).toMatchObject({ reason: "could not be read: apdex" });
      expect(evidence["metric apdex"]).toMatch(/^Unreadable: .*connection refused/);
      expect(evidence["score"]).toBeUndefined();
    }
  });

  test("a failure of a critical metric that was read is a failure all the same: the worst wins", async () => {
    const { verdict } = await run(both({ critical: true }), { prometheus: good(worse), datadog: failing() });
    expect(verdict).toBe("failed");
  });

  test("of a muted metric is told and has no say", async () => {
    const checks = settings([check("latency"), check("apdex", { source: "datadog", muted: true })]);
    const { verdict, evidence } = await run(checks, { prometheus: good(same), datadog: failing() });
    expect(verdict).toBe("successful");
    expect(evidence["metric apdex"]).toMatch(/^Unreadable/);
  });

  test("that is not there at all is an error too", async () => {
    expect((await run(both(), { prometheus: good(same) })).verdict).toBe("error");
  });

  test("an abort is no verdict, and neither is a fault of ours", async () => {
    const source = createFakeMetricSource();
    source.hang();
    const reason = new Error("stop");
    await expect(run(settings([check("a")]), { prometheus: source }, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const late: MetricSource = {
      ...source,
      async query() {
        controller.abort(reason);
        throw new SwitchyardError("metric-unreadable", { message: "the connection was closed" });
      },
    };
    await expect(run(settings([check("a")]), { prometheus: late }, controller.signal)).rejects.toBe(reason);
    const broken: MetricSource = { ...source, query: () => Promise.reject(new TypeError("a bug")) };
    await expect(run(settings([check("a")]), { prometheus: broken })).rejects.toThrow("a bug");
  });
});

describe("what is asked", () => {
  test("both sides in the same window, with names filled in", async () => {
    const source = createFakeMetricSource();
    const query = 'rate(x{env="{environment}",backend=~".*-{platform}"}[1m]) / y{env="{environment}"}';
    await run(settings([{ name: "a", query }]), { prometheus: source });
    const window = { fromMs: since, toMs: since + minutes * 60_000, stepMs: 10_000 };
    expect(source.asked).toEqual(
      ["cloud-run", "gke"].map((side) => ({
        ...window,
        query: `rate(x{env="prod",backend=~".*-${side}"}[1m]) / y{env="prod"}`,
      })),
    );
  });
});

describe("the window", () => {
  test("grows from the warm-up's end on the grid of the step, and leaves out what has not arrived", () => {
    const checks = settings([check("a")], { warm_up: 25, delay: 30 });
    expect(measurementWindow(checks, since + 1_000, since + 125_999)).toEqual({
      fromMs: since + 30_000,
      toMs: since + 90_000,
      stepMs: 10_000,
    });
  });

  test("slides along with a lookback", () => {
    const checks = settings([check("a")], { lookback: 300 });
    expect(measurementWindow(checks, since, since + 200_000)).toMatchObject({ fromMs: since });
    expect(measurementWindow(checks, since, since + 900_000)).toMatchObject({ fromMs: since + 600_000 });
  });

  test("is whole steps, after the beginning, not beyond now, and at most 10,000 of them", () => {
    const limits = fc.record({
      step: fc.integer({ min: 1, max: 60 }),
      warm_up: fc.integer({ min: 0, max: 600 }),
      delay: fc.integer({ min: 0, max: 600 }),
    });
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 604_800_000 }), (more, elapsed) => {
        const checks = settings([check("a")], more);
        const window = measurementWindow(checks, since + 1, since + 1 + elapsed);
        if (window === undefined) return;
        const { fromMs, toMs, stepMs } = window;
        expect([fromMs % stepMs, toMs % stepMs]).toEqual([0, 0]);
        expect(fromMs).toBeGreaterThanOrEqual(since + 1 + more.warm_up * 1_000);
        expect(toMs).toBeLessThanOrEqual(since + 1 + elapsed - more.delay * 1_000);
        expect((toMs - fromMs) / stepMs).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

describe("when the next measurement is due", () => {
  const at = (measuredAt: number | undefined, lastVerdict: Measurement["verdict"] | undefined, more: object = {}) =>
    nextMeasurementAt(settings([check("a")], more), { since, measuredAt, lastVerdict });

  test("never without checks", () => {
    expect(nextMeasurementAt(settings([]), { since, measuredAt: undefined, lastVerdict: undefined })).toBeUndefined();
  });

  test("first an interval after the warm-up and the delay, then every interval", () => {
    expect(at(undefined, undefined)).toBe(since + 60_000);
    expect(at(undefined, undefined, { warm_up: 120, delay: 30 })).toBe(since + 210_000);
    expect(at(since + 70_000, "successful")).toBe(since + 130_000);
    expect(at(since + 70_000, "inconclusive", { warm_up: 120 })).toBe(since + 130_000);
  });

  test("ten seconds after an error, whatever the interval", () => {
    expect(at(since + 70_000, "error")).toBe(since + 80_000);
    expect(at(since + 70_000, "error", { interval: 1, step: 1 })).toBe(since + 80_000);
  });

  test("a measurement of the step before does not count", () => {
    expect(at(since - 1, "successful")).toBe(since + 60_000);
  });
});
