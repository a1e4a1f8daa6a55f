import { describe, expect, it } from "vitest";
import { createFleet } from "../../../../automation/drill/guard/fleet.ts";
import { upgradeWave } from "../../../../automation/drill/guard/upgrade.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { type ClusterRecord, clusterRecord } from "../../../../automation/guard/registry/record.ts";
import type { GuardState } from "../../../../automation/guard/registry/state-names.ts";
import { peersOf } from "../../../../automation/guard/run/peers.ts";

const [fromMs, toMs] = [1_000_000, 2_000_000];
const baseline = { window: { fromMs, toMs, stepMs: 60_000, series: [] } } as const;

function cluster(clusterId: string, state: GuardState, since: number, more: { run?: boolean; istio?: string } = {}) {
  const { run = true, istio = "1.30.5" } = more;
  const step = { index: 0, attempt: 1 };
  return clusterRecord.parse({
    entry: {
      clusterId,
      batchId: "wave-1",
      environment: "prod",
      region: "eu-central-1",
      gitlabRepo: "mesh/fleet",
      fluxConfigPath: clusterId,
      currentIstioVersion: istio,
    },
    state,
    since,
    history: [],
    ...(run
      ? {
          run: {
            plan: "p",
            hop: 0,
            from: "1.30.5",
            to: "1.31.1",
            strategy: "in-place",
            startedAt: toMs,
            step,
            landed: [],
          },
        }
      : {}),
  });
}

describe("clusters that one is held against", () => {
  const own = cluster("c-1", "soaking_data_plane", toMs);
  const peers = (...fleet: readonly ClusterRecord[]): readonly string[] =>
    peersOf([own, ...fleet], own, baseline).map(({ entry }) => entry.clusterId);

  it("are those that have stood still since the baseline began", () => {
    expect(peers(cluster("c-2", "rollback_completed", fromMs))).toEqual(["c-2"]);
    expect(peers(cluster("c-2", "rollback_completed", fromMs + 1))).toEqual([]);
    expect(peers(cluster("c-2", "soaking_data_plane", fromMs))).toEqual([]);
  });

  it("are those too that were upgraded before it began, so that the last wave is compared; whoever is not upgraded yet comes first", () => {
    const upgraded = (id: string, since: number) => cluster(id, "upgraded", since, { istio: "1.31.1" });
    expect(peers(upgraded("c-2", fromMs), cluster("c-3", "pending", fromMs, { run: false }))).toEqual(["c-3", "c-2"]);
    expect(peers(upgraded("c-2", fromMs + 1))).toEqual([]);
  });

  it("are not those that are new here with another version: who knows when they were changed", () => {
    expect(peers(cluster("c-2", "pending", toMs, { run: false, istio: "1.31.1" }))).toEqual([]);
  });

  it("are those too in which nothing has ever landed, however new they are here", () => {
    expect(peers(cluster("c-2", "pending", toMs + 1, { run: false }))).toEqual(["c-2"]);
    expect(peers(cluster("c-2", "pre_check_failed", toMs + 1))).toEqual(["c-2"]);
  });
});

it("what peers did in the minutes of the baseline is asked once in a run; the minutes of a soak at each look, once for the wave", async () => {
  const fleet = await createFleet({
    clusters: 4,
    waves: 2,
    now: Date.UTC(2026, 11, 1, 10),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
    settings: { validation: { control_plane_soak_minutes: 7, soak_period_minutes: 20, warm_up_minutes: 2 } },
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
  // Both clusters of the wave are compared with the same two of the other: what these do is asked once for both.
  // There are two looks a minute: for each cluster alone it would be four times.
  const peers = [...asked].filter(([key]) => key.includes("c-003"));
  expect(peers.length).toBeGreaterThan(100);
  expect(peers.filter(([, times]) => times > 2).length).toBeLessThan(peers.length / 10);
});
