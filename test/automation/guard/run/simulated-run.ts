/** Runs of a batch over the simulated fleet. */
import { createFleet, type Fleet, type FleetOptions } from "../../../../automation/drill/guard/fleet.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import type { Plan } from "../../../../automation/guard/plan/plan.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { planBatch } from "../../../../automation/guard/run/make-plan.ts";
import { type RunOptions, runBatch } from "../../../../automation/guard/run/run-batch.ts";

export const fleetOf = (given: Partial<FleetOptions> = {}): Promise<Fleet> =>
  createFleet({
    clusters: 2,
    waves: 1,
    now: Date.parse("2026-12-01T10:00:00Z"),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
    ...given,
  });

export function planOf(
  fleet: Fleet,
  target = "1.31.1",
  strategy: "in-place" | "revision" = "in-place",
  exclude: readonly string[] = [],
): Promise<Plan> {
  return fleet.clock.run(async () => {
    const version = parseVersion(target);
    if (version === undefined) throw new Error(target);
    const planned = await planBatch(fleet.ports, {
      batch: "wave-01",
      target: version,
      strategy,
      settings: fleet.settings,
      exclude,
      signal: new AbortController().signal,
    });
    if (planned.kind !== "plan") throw new Error(JSON.stringify(planned.refusals));
    return planned.plan;
  });
}

/** What each cluster of the fleet is, with its note. */
export const states = async (fleet: Fleet): Promise<readonly string[]> =>
  (await createRegistry(fleet.store).loadAll()).map(
    ({ record }) => `${record.state}${record.run?.note === undefined ? "" : `: ${record.run.note}`}`,
  );

/** `guard run`, where nothing else is said. */
export function go(fleet: Fleet, plan: Plan, options: Partial<RunOptions> = {}): ReturnType<typeof runBatch> {
  return fleet.clock.run(() =>
    runBatch(fleet.ports, {
      batch: "wave-01",
      plan,
      settings: fleet.settings,
      holder: "test",
      start: true,
      until: "merge-request",
      ...options,
    }),
  );
}
