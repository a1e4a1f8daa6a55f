import { describe, expect, test } from "vitest";
import {
  effectDuration,
  measured,
  tellChange,
  tellTransition,
  tellWait,
  timeInState,
  transitions,
  waitDuration,
} from "../../../../automation/guard/events/telemetry.ts";
import { type ClusterRecord, clusterEntry } from "../../../../automation/guard/registry/record.ts";
import { noTelemetry, type Telemetry } from "../../../../automation/ports/telemetry.ts";

function recording() {
  const told: unknown[] = [];
  const telemetry: Telemetry = {
    enabled: true,
    count: ({ name }, attributes) => void told.push([name, attributes]),
    record: ({ name }, seconds, attributes) => void told.push([name, seconds, attributes]),
    log: (record) => void told.push(record),
    close: async () => undefined,
  };
  return { telemetry, told };
}

const transition = { at: 10_000, event: "merged", from: "mr_created", to: "mr_merged", by: "alice" } as const;

describe("guard's own numbers and records", () => {
  test("a transition is counted, its time measured, and said with its cluster", () => {
    const { telemetry, told } = recording();
    tellTransition(telemetry, {
      cluster: "prod-1",
      batch: "wave-1",
      transition: { ...transition, note: "by hand" },
      since: 4_000,
    });
    expect(told).toEqual([
      [transitions.name, { event: "merged", to: "mr_merged" }],
      [timeInState.name, 6, { state: "mr_created" }],
      {
        severity: "info",
        text: "prod-1: mr_created to mr_merged, merged: by hand",
        attributes: {
          "guard.cluster": "prod-1",
          "guard.batch": "wave-1",
          "guard.event": "merged",
          "guard.state": "mr_merged",
          "guard.by": "alice",
        },
        at: 10_000,
      },
    ]);
  });

  test("numbers never name a cluster: their attributes take few values", () => {
    const { telemetry, told } = recording();
    tellTransition(telemetry, { cluster: "prod-1", batch: "wave-1", transition, since: 4_000 });
    expect(JSON.stringify(told.filter(Array.isArray))).not.toMatch(/prod-1|wave-1|alice/);
  });

  test.each([
    ["not known", undefined, []],
    ["after the transition, by another machine's clock", 11_000, [0]],
  ])("when it came into its state is %s", (_, since, seconds) => {
    const { telemetry, told } = recording();
    tellTransition(telemetry, { cluster: "prod-1", batch: "wave-1", transition, since });
    expect(
      told.filter((one) => Array.isArray(one) && one[0] === timeInState.name).map((one) => (one as unknown[])[1]),
    ).toEqual(seconds);
  });

  test.each(["paused", "rollback_needed", "pre_check_failed", "abandoned"] as const)("%s is a warning", (to) => {
    const { telemetry, told } = recording();
    tellTransition(telemetry, {
      cluster: "prod-1",
      batch: "wave-1",
      transition: { ...transition, to },
      since: undefined,
    });
    expect(told.at(-1)).toMatchObject({ severity: "warning" });
  });

  test("an effect is measured, whether it is done or fails, and gives what it gave", async () => {
    const { telemetry, told } = recording();
    let now = 0;
    const clock = (): number => {
      now += 250;
      return now;
    };
    expect(await measured(telemetry, "merge-request", clock, async () => 7)).toBe(7);
    const error = new Error("refused");
    await expect(measured(telemetry, "merge-request", clock, () => Promise.reject(error))).rejects.toBe(error);
    expect(told).toEqual([
      [effectDuration.name, 0.25, { effect: "merge-request", outcome: "done" }],
      [effectDuration.name, 0.25, { effect: "merge-request", outcome: "failed" }],
    ]);
  });

  test("a wait is measured by what for", () => {
    const { telemetry, told } = recording();
    tellWait(telemetry, "flux", 90_000);
    expect(told).toEqual([[waitDuration.name, 90, { wait: "flux" }]]);
  });

  test("a change tells its transition, and the wait that it ends; one that stays where it is ends none", () => {
    const { telemetry, told } = recording();
    const entry = clusterEntry.parse({
      clusterId: "prod-1",
      batchId: "wave-1",
      environment: "prod",
      region: "eu-central-1",
      gitlabRepo: "mesh/fleet",
      fluxConfigPath: "clusters/prod-1",
      currentIstioVersion: "1.30.5",
    });
    const before: ClusterRecord = { entry, state: "mr_created", since: 4_000, history: [] };
    tellChange(telemetry, before, { ...before, state: "mr_merged", since: 10_000, history: [transition] });
    expect(told).toContainEqual([waitDuration.name, 6, { wait: "merge" }]);
    expect(told).toContainEqual([transitions.name, { event: "merged", to: "mr_merged" }]);
    told.length = 0;
    const soak = { ...before, state: "soaking_control_plane" } as const;
    const extended = { ...transition, event: "soak_extended", from: soak.state, to: soak.state } as const;
    tellChange(telemetry, soak, { ...soak, history: [extended] });
    expect(told.flat()).not.toContain(waitDuration.name);
    expect(told).not.toEqual([]);
  });

  test("where nobody wants any, nothing is put together, and work is done all the same", async () => {
    tellTransition(noTelemetry, { cluster: "prod-1", batch: "wave-1", transition, since: 0 });
    expect(
      await measured(
        noTelemetry,
        "restart",
        () => Number.NaN,
        async () => "done",
      ),
    ).toBe("done");
    expect(await noTelemetry.close()).toBeUndefined();
  });

  test("bounds rise, as buckets need", () => {
    for (const { bounds } of [timeInState, effectDuration, waitDuration])
      expect(bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? bound))).toBe(true);
  });
});
