import { expect, it } from "vitest";
import { createFleet } from "../../../../automation/drill/guard/fleet.ts";
import { upgradeWave } from "../../../../automation/drill/guard/upgrade.ts";
import { planDigest } from "../../../../automation/guard/plan-digest.ts";

it("what peers did in the minutes of the baseline is asked once in a run; the minutes of a soak are asked at each look", async () => {
  const fleet = await createFleet({
    clusters: 4,
    waves: 2,
    now: Date.UTC(2026, 11, 1, 10),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
    settings: { validation: { control_plane_soak_minutes: 6, soak_period_minutes: 20, warm_up_minutes: 2 } },
  });
  const asked = new Map<string, number>();
  const { source } = fleet.metrics;
  const counted: typeof source = {
    ...source,
    query(question, signal) {
      const key = `${question.query} ${question.fromMs} ${question.toMs}`;
      asked.set(key, (asked.get(key) ?? 0) + 1);
      return source.query(question, signal);
    },
  };
  Object.assign(fleet.ports, { metrics: { ...fleet.metrics, fresh: counted } });
  const { signal } = new AbortController();
  await fleet.clock.run(() => upgradeWave({ fleet, wave: "wave-01", target: "1.31.1", signal }));
  const windows = new Map<number, number>();
  for (const [key, times] of asked) {
    const [from = 0, to = 0] = key.split(" ").slice(-2).map(Number);
    // The baseline's is the only one of three hours.
    if (to - from === 180 * 60_000) windows.set(times, (windows.get(times) ?? 0) + 1);
  }
  expect([...windows.keys()]).toEqual([1]);
  expect(asked.size).toBeGreaterThan(2 * (windows.get(1) ?? 0));
});
