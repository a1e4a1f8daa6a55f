import { describe, expect, it } from "vitest";
import { type BatchDiff, describeDiff, diffBatch } from "../../../automation/cli/guard-diff.ts";
import { createFleet, type Fleet, type FleetOptions } from "../../../automation/drill/guard/fleet.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import type { Plan } from "../../../automation/guard/plan/plan.ts";
import { parseVersion } from "../../../automation/guard/plan/versions.ts";
import { createRegistry } from "../../../automation/guard/registry/registry.ts";
import { planBatch } from "../../../automation/guard/run/make-plan.ts";
import { type RunOptions, runBatch } from "../../../automation/guard/run/run-batch.ts";
import type { GuardConfig } from "../../../automation/guard/settings.ts";

const signal = new AbortController().signal;

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

async function plan(fleet: Fleet): Promise<Plan> {
  const target = parseVersion("1.31.1");
  if (target === undefined) throw new Error("no version");
  const { settings, strategy } = fleet;
  const planned = await fleet.clock.run(() =>
    planBatch(fleet.ports, { batch: "wave-01", target, strategy, settings, signal }),
  );
  if (planned.kind !== "plan") throw new Error(JSON.stringify(planned.refusals));
  return planned.plan;
}

const go = (fleet: Fleet, one: Plan, options: Partial<RunOptions> = {}) =>
  fleet.clock.run(() =>
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
const look = (fleet: Fleet, one: Plan) => go(fleet, one, { start: false, until: "once" });

const diff = (fleet: Fleet, one: Plan, settings: GuardConfig = fleet.settings): Promise<BatchDiff> =>
  fleet.clock.run(() => diffBatch(fleet.ports, createRegistry(fleet.store), settings, one, signal));

const nextOf = ({ next }: BatchDiff): readonly string[] =>
  next.map(({ title, later, files }) => `${title}, ${later} later: ${files.map(({ path }) => path).toSorted()}`);

describe("the next merge requests of a plan", () => {
  it("in three steps: after one has landed it is the next one that is shown, and nothing is left at the end", async () => {
    const fleet = await fleetOf({ clusters: 1, unordered: true });
    const one = await plan(fleet);
    const steps = [
      "CRDs, 2 later: istio/c-001/base.yaml",
      "control plane, 1 later: istio/c-001/istiod.yaml",
      "gateways, 0 later: istio/c-001/gateway.yaml",
    ];
    expect(nextOf(await diff(fleet, one))).toEqual([steps[0]]);
    await go(fleet, one);
    expect(nextOf(await diff(fleet, one))).toEqual([steps[0]]);
    await fleet.mergeAll("ada");
    await look(fleet, one);
    const between = await diff(fleet, one);
    expect(nextOf(between)).toEqual([steps[1]]);
    expect(describeDiff(between)).toEqual(
      expect.arrayContaining([
        "mesh/wave-01: control plane, Istio 1.30.5 to 1.31.1, for c-001; 1 merge request of the hop follows",
        "      + 1.31.1",
      ]),
    );
    const merged = (_: unknown, after: { state: string }): void => {
      if (after.state === "mr_created") fleet.mergeAll("ada");
    };
    await go(fleet, one, { start: false, until: "end", onMove: merged });
    const end = await diff(fleet, one);
    expect(end).toMatchObject({ next: [], goingBack: [] });
    expect(describeDiff(end)).toEqual([expect.stringContaining("Nothing is left to change")]);
  });

  it("by revision: CRDs first, then the new control plane", async () => {
    const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
    const one = await plan(fleet);
    expect((await diff(fleet, one)).next).toMatchObject([{ title: "CRDs" }]);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    await look(fleet, one);
    expect((await diff(fleet, one)).next).toMatchObject([
      {
        title: "new revision beside the old",
        files: expect.arrayContaining([expect.objectContaining({ path: "istio/c-001/istiod-1-31-1.yaml" })]),
      },
    ]);
  });

  it("clusters with other components have merge requests of their own", async () => {
    const fleet = await fleetOf();
    const path = "istio/c-002/gateway.yaml";
    fleet.host.push("mesh/wave-01", "main", "bob", "no gateway", [{ kind: "delete", path }]);
    const { next } = await diff(fleet, await plan(fleet));
    expect(next.map(({ clusters, files }) => [clusters, files.map((file) => file.path).toSorted()])).toEqual([
      [["c-001"], ["istio/c-001/base.yaml", "istio/c-001/gateway.yaml", "istio/c-001/istiod.yaml"]],
      [["c-002"], ["istio/c-002/base.yaml", "istio/c-002/istiod.yaml"]],
    ]);
  });

  it("a branch that is not there is a finding, not an empty diff", async () => {
    const fleet = await fleetOf();
    const one = await plan(fleet);
    const { gitlab } = fleet.settings;
    const settings = { ...fleet.settings, gitlab: { ...gitlab, default_target_branch: "trunk" } };
    await expect(diff(fleet, one, settings)).rejects.toMatchObject({
      code: "git-host-not-found",
      message: "mesh/wave-01 has no branch trunk",
    });
  });

  it("what goes back is said", async () => {
    const fleet = await fleetOf();
    const one = await plan(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    fleet.metrics.ail("c-002", { from: fleet.clock.wall() + 20 * 60_000, latency: 1.4, errors: 0.004 });
    const back = new AbortController();
    const stop = (_: unknown, after: { state: string }): void => {
      if (after.state === "rollback_mr_created") back.abort();
    };
    await go(fleet, one, { start: false, until: "end", onMove: stop, signal: back.signal }).catch(() => undefined);
    const found = await diff(fleet, one);
    expect(found).toMatchObject({ next: [], goingBack: ["c-001", "c-002"] });
    expect(describeDiff(found)).toEqual(["c-001", "c-002"].map((id) => expect.stringContaining(`${id} goes back`)));
  });
});
