import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gateA, gateB } from "../../../../automation/guard/judge/gates.ts";
import type { Signal } from "../../../../automation/guard/judge/signals.ts";
import type { Verdict } from "../../../../automation/guard/judge/verdict.ts";
import { type Change, gateInput, steady, type World } from "./judged.ts";

const only =
  (name: string, change: (value: number, minute: number) => number | null | undefined): Change =>
  (signal, value, minute) =>
    signal === name ? change(value, minute) : value;
const times = (name: string, factor: number): Change => only(name, (value) => value * factor);
const of = ({ signals }: Verdict, name: string) => signals.find((signal) => signal.name === name);
const b = (world: World = {}, more: Parameters<typeof gateInput>[1] = {}) => gateB(gateInput(world, more));

describe("gate B", () => {
  test("a cluster that is as it was passes", () => {
    const verdict = b();
    expect(verdict.kind, JSON.stringify(verdict.signals.filter(({ kind }) => kind !== "passed"))).toBe("passed");
    expect(verdict.samples.now).toBeGreaterThan(350_000);
  });

  test.each([
    ["p95", times("p95", 1.25)],
    ["p99", times("p99", 1.4)],
    ["error_share", times("error_share", 20)],
    ["requests", times("requests", 0.7)],
    ["istiod_cpu", times("istiod_cpu", 1.5)],
    ["istiod_memory", times("istiod_memory", 1.5)],
    ["proxy_cpu", times("proxy_cpu", 1.4)],
    ["proxy_memory", times("proxy_memory", 1.4)],
    ["xds_rejects", only("xds_rejects", () => 1)],
    ["push_errors", only("push_errors", () => 0.02)],
    ["convergence_p99", times("convergence_p99", 2)],
  ])("%s beyond its limit fails, and nothing else does", (name, now) => {
    const verdict = b({ now });
    expect(verdict.kind).toBe("failed");
    expect(verdict.signals.filter(({ kind }) => kind === "failed").map((signal) => signal.name)).toEqual([name]);
  });

  test.each([
    "p95",
    "p99",
    "error_share",
    "requests",
    "istiod_cpu",
    "proxy_memory",
    "xds_rejects",
    "push_errors",
    "convergence_p99",
  ])("%s that is missing is undecided, and the whole with it, never passed", (name) => {
    const verdict = b({ now: only(name, () => undefined) });
    expect(of(verdict, name)?.kind).toBe("undecided");
    expect(verdict.kind).toBe("undecided");
  });

  test("a series that stopped is undecided, whatever it said before", () => {
    const verdict = b({ now: only("p99", (value, minute) => (minute < 45 ? value : null)) });
    expect(of(verdict, "p99")).toMatchObject({ kind: "undecided", why: "no value for 15 minutes" });
  });

  test("missing is not zero: requests without values are no fall, requests of zero are one", () => {
    expect(of(b({ now: only("requests", () => null) }), "requests")?.kind).toBe("undecided");
    expect(of(b({ now: only("requests", () => 0) }), "requests")?.kind).toBe("failed");
  });

  test("fewer requests than the least are undecided, in either window", () => {
    for (const world of [{ now: times("requests", 0.002) }, { before: times("requests", 0.0005) }]) {
      const verdict = b({ ...world, lastWeek: times("requests", 0.002), peers: [steady] });
      expect(of(verdict, "p99")?.kind).toBe("undecided");
      expect(of(verdict, "p99")?.why).toMatch(/1000 in both are needed/);
    }
  });

  test("what rises everywhere is not the upgrade; what rises here while others fall is a matter for a person", () => {
    const worse = times("p99", 1.4);
    expect(of(b({ now: worse, peers: [worse, worse] }), "p99")?.kind).toBe("passed");
    const verdict = b({ now: times("p99", 0.98), peers: [times("p99", 0.6), times("p99", 0.6)] });
    expect(of(verdict, "p99")?.kind).toBe("undecided");
  });

  test("a season of the day is none of its business, with last week alone too", () => {
    const evening = times("p99", 1.4);
    expect(of(b({ now: evening, peers: [], lastWeek: evening }), "p99")?.why).toMatch(/itself a week before/);
    const morning: Change = steady;
    // Last week's soak was as slow as this one, its baseline was not.
    const input = gateInput({ now: evening, peers: [], lastWeek: morning });
    const lastWeek = gateInput({ lastWeek: evening }).lastWeek;
    expect(of(gateB({ ...input, lastWeek }), "p99")?.kind).toBe("passed");
    expect(of(gateB(input), "p99")?.kind).toBe("failed");
  });

  test("with nothing to compare with, latency and errors are undecided", () => {
    const verdict = b({ peers: [], lastWeek: only("p99", () => undefined) });
    expect(of(verdict, "p99")?.why).toMatch(/season of the day/);
  });

  test("a rise in per cent that is small in milliseconds does not count", () => {
    const small: Change = (signal, value) => (signal === "p99" ? value / 100 : value);
    const world = { before: small, now: times("p99", 1.4 / 100) };
    expect(of(b(world), "p99")).toMatchObject({ kind: "passed" });
  });

  test("a share of errors that was above its limit before does not fail by it", () => {
    const many = times("error_share", 15);
    expect(of(b({ before: many, now: many, peers: [steady] }), "error_share")).toMatchObject({ kind: "passed" });
    expect(of(b({ now: times("error_share", 6), peers: [steady] }), "error_share")?.kind).toBe("failed");
  });

  test("a holiday is everywhere", () => {
    const holiday = times("requests", 0.5);
    expect(of(b({ now: holiday, peers: [holiday, holiday] }), "requests")).toMatchObject({ kind: "passed" });
    expect(of(b({ now: holiday, peers: [] }), "requests")?.kind).toBe("failed");
  });

  test("resources are not judged in the warm-up, traffic is", () => {
    const hot: Change = (signal, value, minute) =>
      signal === "proxy_cpu" && minute < 10 ? value * 5 : signal === "p99" ? value * 2 : value;
    expect(of(b({ now: hot }), "proxy_cpu")?.kind).toBe("passed");
    const early = b({ now: hot, minutes: 12 });
    expect(of(early, "proxy_cpu")?.why).toMatch(/2 minutes after warm-up/);
    expect(of(early, "p99")?.kind).toBe("failed");
  });

  test("each service is judged by itself", () => {
    const input = gateInput({ services: ["reviews", "ratings"] });
    const soak = {
      ...input.soak,
      series: input.soak.series.map((one) =>
        one.service === "reviews" && one.signal === "p99"
          ? { ...one, values: one.values.map((value) => (value === null ? null : value * 1.5)) }
          : one,
      ),
    };
    const verdict = gateB({ ...input, soak });
    expect(verdict.signals.filter(({ kind }) => kind === "failed").map(({ name }) => name)).toEqual(["p99 of reviews"]);
  });

  test("required monitors: an alert fails, silence and mutes are undecided, the rest is noted", () => {
    const monitor = (state: "Alert" | "No Data" | "OK" | "Warn", more = {}) => [
      { name: "mesh", state, required: true, muted: false, ...more },
    ];
    const kind = (monitors: ReturnType<typeof monitor>) => b({}, { monitors }).kind;
    expect(kind(monitor("Alert"))).toBe("failed");
    expect(kind(monitor("No Data"))).toBe("undecided");
    expect(kind(monitor("OK", { muted: true }))).toBe("undecided");
    expect(kind(monitor("Warn"))).toBe("passed");
    expect(kind(monitor("Alert", { required: false }))).toBe("passed");
    expect(b({}, { monitors: { unreadable: "Datadog did not answer" } }).kind).toBe("undecided");
  });

  test("an old baseline, or one by another query, judges nothing", () => {
    expect(b({}, { baselineHours: 4 }).kind).toBe("undecided");
    const input = gateInput();
    const series = input.baseline.window.series.map((one) => ({ ...one, query: `old ${one.query}` }));
    const verdict = gateB({ ...input, baseline: { ...input.baseline, window: { ...input.baseline.window, series } } });
    expect(of(verdict, "p99")?.why).toMatch(/another query/);
  });

  test("a signal that is not required may be missing", () => {
    const input = gateInput({ now: only("convergence_p99", () => undefined) });
    const signals = input.signals.map((one) => ({ ...one, required: one.name !== "convergence_p99" }));
    expect(gateB({ ...input, signals }).kind).toBe("passed");
  });

  test("whatever is left out of the soak, nothing passes that was not seen", () => {
    const names = gateInput().signals.map(({ name }) => name);
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), (left) => {
        const verdict = b({ now: (signal, value) => (left.includes(signal) ? undefined : value) });
        expect(verdict.kind).toBe("undecided");
        for (const name of left) expect(of(verdict, name)?.kind).toBe("undecided");
      }),
      { numRuns: 25 },
    );
  });
});

describe("gate A", () => {
  test("looks at the control plane alone", () => {
    const input = gateInput({ now: times("p99", 3) });
    expect(gateA(input).kind).toBe("passed");
    expect(gateA(input).signals.map(({ name }) => name)).toEqual([
      "istiod_cpu",
      "istiod_memory",
      "xds_rejects",
      "push_errors",
      "convergence_p99",
    ]);
    expect(gateA(gateInput({ now: only("xds_rejects", () => 1) })).kind).toBe("failed");
  });

  test("a soak of fifteen minutes with ten of warm-up can pass", () => {
    expect(gateA(gateInput({ minutes: 15 })).kind).toBe("passed");
  });
});

describe("custom signals", () => {
  const withCustom = (more: Partial<Signal>, value: number) => {
    const input = gateInput();
    const signal: Signal = {
      name: "queue",
      kind: "custom",
      gate: "b",
      perService: false,
      sparse: false,
      unit: "",
      query: "query of queue",
      required: true,
      ...more,
    };
    const record = (minutes: number, at: number) => ({
      signal: "queue",
      service: null,
      query: "query of queue",
      values: Array.from({ length: minutes }, () => at),
      samples: minutes,
    });
    const baseline = {
      ...input.baseline,
      window: { ...input.baseline.window, series: [...input.baseline.window.series, record(180, 10)] },
    };
    const soak = { ...input.soak, series: [...input.soak.series, record(60, value)] };
    return of(gateB({ ...input, baseline, soak, signals: [signal] }), "queue")?.kind;
  };

  test("by a threshold, by a rise, by both, or by nobody", () => {
    expect(withCustom({ threshold: 12 }, 11)).toBe("passed");
    expect(withCustom({ threshold: 12 }, 13)).toBe("failed");
    expect(withCustom({ relative: 0.2 }, 11)).toBe("passed");
    expect(withCustom({ relative: 0.2 }, 13)).toBe("failed");
    expect(withCustom({ threshold: 50, relative: 0.2 }, 13)).toBe("failed");
    expect(withCustom({}, 13)).toBe("observed");
  });
});
