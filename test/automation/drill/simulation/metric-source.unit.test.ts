import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../../../automation/drill/simulation/clock.ts";
import { createSimulatedMetrics } from "../../../../automation/drill/simulation/metric-source.ts";

const platforms = ["old", "fresh"];

function given() {
  const clock = createVirtualClock(undefined, 1);
  const metrics = createSimulatedMetrics(clock, platforms, 1);
  const ask = (platform: string, fromMs: number, toMs: number) =>
    metrics.query({ query: `drill_latency{platform="${platform}"}`, fromMs, toMs, stepMs: 1_000 });
  return { clock, metrics, ask };
}

describe("the simulated metrics", () => {
  it("give each platform a series of its own, whose points stay what they were", async () => {
    const { clock, ask } = given();
    const now = clock.now();
    const old = await ask("old", now - 10_000, now);
    expect(old).toHaveLength(10);
    expect(new Set(old).size).toBe(10);
    expect(await ask("fresh", now - 10_000, now)).not.toEqual(old);
    expect(await ask("old", now - 5_000, now)).toEqual(old.slice(5));
  });

  it("change from the moment on at which a level is set, not before", async () => {
    const { clock, metrics, ask } = given();
    const now = clock.now();
    const before = await ask("fresh", now - 50_000, now);
    metrics.setLevel("fresh", 10_000);
    expect(await ask("fresh", now - 50_000, now)).toEqual(before);
    expect(Math.min(...(await ask("fresh", now, now + 50_000)))).toBeGreaterThan(Math.max(...before));
  });

  it("have no series for a platform that is silent or unknown", async () => {
    const { clock, metrics, ask } = given();
    const now = clock.now();
    metrics.setLevel("fresh", undefined);
    expect(await ask("fresh", now - 10_000, now)).toEqual([]);
    expect(await ask("other", now - 10_000, now)).toEqual([]);
    expect(await ask("old", now - 10_000, now)).toHaveLength(10);
  });

  it("say why they cannot be read, and end at once when they are aborted", async () => {
    const { clock, metrics, ask } = given();
    metrics.failWith("connection refused");
    await expect(ask("old", 0, 1_000)).rejects.toMatchObject({ code: "metric-unreadable" });
    expect(metrics.failures()).toBe(1);
    await expect(metrics.names()).rejects.toMatchObject({ code: "metric-unreadable" });
    metrics.failWith(undefined);
    expect(await metrics.names()).toEqual(["drill_latency"]);
    const query = { query: "", fromMs: clock.now(), toMs: clock.now(), stepMs: 1_000 };
    await expect(metrics.query(query, AbortSignal.abort(new Error("over")))).rejects.toThrow("over");
  });
});
