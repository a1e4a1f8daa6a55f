import { describe, expect, it } from "vitest";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

// Clusters of one batch that begin after others of it have ended: a later region, or one that had stayed out.

const regions = ["eu-central-1", "us-east-1"];
const repository = "mesh/wave-01";
const soaks = { control_plane_soak_minutes: 7, soak_period_minutes: 14, warm_up_minutes: 2 };
const inRegions = () =>
  fleetOf({ settings: { execution: { regions, region_pause_minutes: 30, poll_seconds: 60 }, validation: soaks } });

describe("two regions of a batch", () => {
  it("follow each other after the pause, each by a merge request of its own", async () => {
    const fleet = await inRegions();
    const plan = await planOf(fleet);
    const first = await go(fleet, plan);
    expect(first.waits).toContainEqual(expect.objectContaining({ why: "waits for region eu-central-1" }));
    await fleet.mergeAll("ada");
    await go(fleet, plan, { start: false, until: "end" });
    expect(await states(fleet)).toEqual(["upgraded", "pending"]);
    expect((await go(fleet, plan)).waits).toContainEqual(expect.objectContaining({ why: "pauses between regions" }));
    await fleet.clock.run(() => fleet.clock.sleep(31 * 60_000));
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    await go(fleet, plan, { start: false, until: "end" });
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    expect(fleet.host.count(repository)).toBe(2);
  });

  it("given the second goes back, the first, which had ended, stays", async () => {
    const fleet = await inRegions();
    const plan = await planOf(fleet);
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    await go(fleet, plan, { start: false, until: "end" });
    await fleet.clock.run(() => fleet.clock.sleep(31 * 60_000));
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    fleet.metrics.worsen("c-002", "xds_rejects", fleet.clock.wall() + 180_000, 5);
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (_, { state }) => {
        if (state === "rollback_mr_created") void fleet.mergeAll("bob");
      },
    });
    expect(await states(fleet)).toEqual(["upgraded", expect.stringContaining("rollback_completed")]);
    expect(fleet.cluster("c-001").charts().get("istiod")).toBe("1.31.1");
    expect(fleet.cluster("c-002").charts().get("istiod")).toBe("1.30.5");
  });

  it("given one process does all of it, it waits for the pause", async () => {
    const fleet = await inRegions();
    const plan = await planOf(fleet);
    await go(fleet, plan, {
      until: "end",
      onMove: (_, { state }) => {
        if (state === "mr_created") void fleet.mergeAll("ada");
      },
    });
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    const [one, two] = (await createRegistry(fleet.store).loadAll()).map(({ record }) => record);
    const began = two?.history.find(({ event }) => event === "started")?.at ?? 0;
    expect(began - (one?.history.find(({ event }) => event === "validated")?.at ?? 0)).toBeGreaterThan(29 * 60_000);
  });
});

it("a cluster that had stayed out begins later, by a merge request of its own", async () => {
  const fleet = await fleetOf({ settings: { validation: soaks } });
  const plan = await planOf(fleet);
  for (const exclude of [["c-002"], []]) {
    await go(fleet, plan, { exclude });
    await fleet.mergeAll("ada");
    await go(fleet, plan, { start: false, until: "end" });
  }
  expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
  expect(fleet.host.count(repository)).toBe(2);
});
