import { describe, expect, it } from "vitest";
import { createFleet, type Fleet, type FleetOptions } from "../../../../automation/drill/guard/fleet.ts";
import { planDigest } from "../../../../automation/guard/plan-digest.ts";
import { createRegistry } from "../../../../automation/guard/registry.ts";
import { planBatch } from "../../../../automation/guard/run/make-plan.ts";
import { type RunOptions, runBatch } from "../../../../automation/guard/run/run-batch.ts";
import { parseVersion } from "../../../../automation/guard/versions.ts";

const fleetOf = (given: Partial<FleetOptions> = {}): Promise<Fleet> =>
  createFleet({
    clusters: 2,
    waves: 1,
    now: Date.parse("2026-12-01T10:00:00Z"),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
    ...given,
  });

async function plan(fleet: Fleet, target = "1.31.1", strategy: "in-place" | "revision" = "in-place") {
  const version = parseVersion(target);
  if (version === undefined) throw new Error(target);
  const planned = await planBatch(fleet.ports, {
    batch: "wave-01",
    target: version,
    strategy,
    settings: fleet.settings,
    signal: new AbortController().signal,
  });
  if (planned.kind !== "plan") throw new Error(JSON.stringify(planned.refusals));
  return planned.plan;
}

const states = async (fleet: Fleet): Promise<readonly string[]> =>
  (await createRegistry(fleet.store).loadAll()).map(
    ({ record }) => `${record.state}${record.run?.note === undefined ? "" : `: ${record.run.note}`}`,
  );

function go(fleet: Fleet, one: Awaited<ReturnType<typeof plan>>, options: Partial<RunOptions> = {}) {
  return fleet.clock.run(() =>
    runBatch(fleet.ports, {
      batch: "wave-01",
      plan: one,
      settings: fleet.settings,
      holder: "test",
      start: true,
      until: "merge-request",
      ...options,
    }),
  );
}

describe("a run over a simulated fleet", () => {
  it("checks, opens one merge request, and after the merge proves, soaks, restarts and validates", async () => {
    const fleet = await fleetOf();
    const one = await fleet.clock.run(() => plan(fleet));
    expect(one.clusters.map(({ next }) => next?.findings.filter(({ level }) => level === "block"))).toEqual([[], []]);
    await go(fleet, one);
    expect(await states(fleet)).toEqual(["mr_created", "mr_created"]);
    expect(await fleet.mergeAll("ada")).toBe(1);
    await go(fleet, one, { start: false, until: "end" });
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.31.1"]);
  });
});
