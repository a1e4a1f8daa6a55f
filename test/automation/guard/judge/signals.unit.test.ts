import { describe, expect, test } from "vitest";
import { knownSignalNames } from "../../../../automation/guard/judge/known-signals.ts";
import { signalsOf } from "../../../../automation/guard/judge/signals.ts";
import { guardConfig } from "../../../../automation/guard/settings.ts";

const settings = (metrics: unknown) => guardConfig.parse({ metrics }).metrics;
const named = (metrics: unknown, name: string, names?: readonly string[]) =>
  signalsOf(settings(metrics), names).find((signal) => signal.name === name);

describe("signals", () => {
  test("without a source there are none; with one all known ones", () => {
    expect(signalsOf(settings({}))).toEqual([]);
    expect(signalsOf(settings({ source: "datadog" })).map(({ name }) => name)).toEqual(knownSignalNames);
  });

  test("a known one takes another query and its own limits", () => {
    const given = { query: "p99:mine{{tags}}", relative: 0.3, required: false };
    expect(named({ source: "datadog", datadog: { queries: { p99: given } } }, "p99")).toMatchObject(given);
  });

  test("a further one is judged by its limits, and recorded without", () => {
    const queries = { checkout_time: { query: "avg:x{*}", threshold: 3 }, looked_at: "avg:y{*}" };
    const metrics = { source: "datadog", datadog: { queries } };
    expect(named(metrics, "checkout_time")).toMatchObject({ kind: "custom", threshold: 3, required: true });
    expect(named(metrics, "looked_at")).toMatchObject({ kind: "custom", required: false });
  });

  test("a typo of a known one is told, with the nearest name", () => {
    const metrics = { source: "datadog", datadog: { queries: { eror_share: "avg:x{*}" } } };
    expect(() => signalsOf(settings(metrics))).toThrow(/did you mean error_share/);
  });

  test("Datadog without distributions has no quantiles, and that is said", () => {
    const names = ["istio.mesh.request.duration.milliseconds.sum", "istio.mesh.request.duration.milliseconds.count"];
    const signal = named({ source: "datadog" }, "p99", names);
    expect(signal?.query).toBeUndefined();
    expect(signal?.unusable).toMatch(/only means/);
    const whole = [...names, "istio.mesh.request.duration.milliseconds"];
    expect(named({ source: "datadog" }, "p99", whole)?.query).toMatch(/^p99:/);
    const own = { source: "datadog", datadog: { queries: { p99: "avg:gateway.p99{{tags}}" } } };
    expect(named(own, "p99", names)?.query).toBe("avg:gateway.p99{{tags}}");
  });

  test("CloudWatch has no quantiles of its own either", () => {
    expect(named({ source: "cloudwatch" }, "p99")?.unusable).toMatch(/metrics\.cloudwatch\.queries\.p99/);
  });
});
