/** What every MetricSource does; run on the fake and on the adapters. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { MetricQuery, MetricSource } from "../../../automation/ports/metric-source.ts";
import type { FakeMetrics } from "../../support/fake-metric-source.ts";

export interface MetricSourceHarness {
  readonly source: MetricSource;
  readonly metrics: FakeMetrics;
  /** The next answer is a refusal with these words. */
  refuse(words: string): void;
  /** Requests get no answer; resolves when one has arrived. */
  hang(): () => Promise<void>;
  /** It cannot be reached any more. */
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

const from = Date.UTC(2026, 10, 20, 12);
const query = (more: Partial<MetricQuery> = {}): MetricQuery => ({
  query: "latency",
  fromMs: from,
  toMs: from + 50_000,
  stepMs: 10_000,
  ...more,
});
const unreadable = expect.objectContaining({ code: "metric-unreadable" });

export function metricSourceContract(name: string, start: () => Promise<MetricSourceHarness>): void {
  describe(name, () => {
    const given = async (): Promise<MetricSourceHarness> => {
      const harness = await start();
      onTestFinished(() => harness.close());
      return harness;
    };
    const store = (metrics: FakeMetrics, values: readonly (readonly [step: number, value: number])[]): void => {
      const points = values.map(([step, value]) => [from + step * 10_000, value] as const);
      metrics.series.set("latency", new Map([["latency_seconds", points]]));
    };

    test("gives one number a step, oldest first, from the beginning up to but not including the end", async () => {
      const { source, metrics } = await given();
      store(
        metrics,
        [-1, 0, 1, 2, 3, 4, 5, 6].map((step) => [step, 100 + step] as const),
      );
      expect(await source.query(query())).toEqual([100, 101, 102, 103, 104]);
      expect(await source.query(query({ fromMs: from + 20_000, toMs: from + 40_000 }))).toEqual([102, 103]);
    });

    test("a point that is missing is NaN in its place and never zero; a zero is a zero", async () => {
      const { source, metrics } = await given();
      store(metrics, [
        [1, 0],
        [3, 7.25],
      ]);
      expect(await source.query(query())).toEqual([Number.NaN, 0, Number.NaN, 7.25, Number.NaN]);
    });

    test("a value that is not finite counts as missing", async () => {
      const { source, metrics } = await given();
      store(metrics, [
        [0, Number.POSITIVE_INFINITY],
        [1, Number.NEGATIVE_INFINITY],
        [2, Number.NaN],
        [3, 1e-9],
        [4, -2.5],
      ]);
      expect(await source.query(query())).toEqual([Number.NaN, Number.NaN, Number.NaN, 1e-9, -2.5]);
    });

    test("a query that gives no series gives an empty array", async () => {
      const { source } = await given();
      expect(await source.query(query({ query: "nothing" }))).toEqual([]);
    });

    test("a query that gives several series is unreadable, and the error names the query and the series", async () => {
      const { source, metrics } = await given();
      metrics.series.set(
        "latency",
        new Map([
          ["latency_of_one", [[from, 1]]],
          ["latency_of_two", [[from, 2]]],
        ]),
      );
      const failed = source.query(query());
      await expect(failed).rejects.toEqual(unreadable);
      await expect(failed).rejects.toThrow(/query latency gives 2 series.*latency_of_one.*latency_of_two/);
    });

    test("a refusal is unreadable, in the source's own words, and the next query works again", async () => {
      const { source, metrics, refuse } = await given();
      store(metrics, [[0, 1]]);
      refuse("parse error: unexpected end of input");
      const failed = source.query(query());
      await expect(failed).rejects.toEqual(unreadable);
      await expect(failed).rejects.toThrow(/unexpected end of input/);
      expect((await source.query(query()))[0]).toBe(1);
    });

    test("what cannot be reached is unreadable, for names too, and the error says what it is", async () => {
      const { source, breakDown } = await given();
      await breakDown();
      for (const ask of [() => source.query(query()), () => source.names()]) {
        // One after the other: a rejection that nobody waits for yet is reported as unhandled.
        const failed = ask();
        await expect(failed).rejects.toEqual(unreadable);
        await expect(failed).rejects.toThrow(source.description);
      }
    });

    test("an abort rejects with its reason, before the question and while it is open", async () => {
      const { source, hang } = await given();
      const reason = new Error("the swap was aborted");
      await expect(source.query(query(), AbortSignal.abort(reason))).rejects.toBe(reason);
      const arrived = hang();
      const controller = new AbortController();
      const open = expect(source.query(query(), controller.signal)).rejects.toBe(reason);
      await arrived();
      controller.abort(reason);
      await open;
    });

    test("lists the names of its metrics", async () => {
      const { source, metrics } = await given();
      metrics.names = ["latency_seconds", "up"];
      expect(await source.names()).toEqual(["latency_seconds", "up"]);
    });
  });
}
