import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../../automation/drill/guard/fleet.ts";
import type { Plan } from "../../../../automation/guard/plan/plan.ts";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

// Clusters of one batch need not be alike.

const repository = "mesh/wave-01";

function textOf({ host }: Fleet, path: string): string {
  const text = host.text(repository, host.fetched(repository, "main").commit, path);
  if (text === undefined) throw new Error(`${path} is not there`);
  return text;
}

/** Twenty minutes in which Flux applies what was pushed. */
async function applied(fleet: Fleet): Promise<void> {
  await fleet.clock.run(() => fleet.clock.sleep(20 * 60_000));
}

/** To the end, with a person who merges whatever is opened. */
async function toTheEnd(fleet: Fleet, plan: Plan): Promise<void> {
  await go(fleet, plan);
  await fleet.mergeAll("ada");
  await go(fleet, plan, {
    start: false,
    until: "end",
    onMove: (_, { state }) => {
      if (state === "mr_created" || state === "rollback_mr_created") void fleet.mergeAll("bob");
    },
  });
}

const requestsOf = (plan: Plan) =>
  plan.clusters.map(({ steps }) =>
    steps.flatMap((step) => (step.kind === "istio" ? step.mergeRequests.map((one) => one.step.kind) : [])),
  );

describe("a batch whose clusters are not alike", () => {
  it("given one has no gateway, the merge request moves what any of them has", async () => {
    const fleet = await fleetOf();
    fleet.host.push(repository, "main", "bob", "no gateway", [{ kind: "delete", path: "istio/c-001/gateway.yaml" }]);
    await applied(fleet);
    await toTheEnd(fleet, await planOf(fleet));
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    expect(fleet.cluster("c-002").charts().get("ingress")).toBe("1.31.1");
    expect(fleet.host.count(repository)).toBe(1);
  });

  it("given Flux keeps the order in one of them only, guard keeps it for both, by merge requests of both", async () => {
    const fleet = await fleetOf();
    for (const name of ["istiod", "gateway"]) {
      const path = `istio/c-002/${name}.yaml`;
      const text = textOf(fleet, path).replace(/ {2}dependsOn:\n(?: {4}.*\n)+/g, "");
      fleet.host.push(repository, "main", "bob", "no order", [{ kind: "update", path, text }]);
    }
    await applied(fleet);
    const plan = await planOf(fleet);
    expect(requestsOf(plan)).toEqual([
      ["crds", "control-plane", "gateways"],
      ["crds", "control-plane", "gateways"],
    ]);
    await toTheEnd(fleet, plan);
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    expect(fleet.host.count(repository)).toBe(3);
  });

  it("given they go back from different steps, what landed of each is taken back", async () => {
    const fleet = await fleetOf({ unordered: true });
    const plan = await planOf(fleet);
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    let ailing = false;
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (_, after) => {
        if (after.state === "mr_created" || after.state === "rollback_mr_created") void fleet.mergeAll("bob");
        if (ailing || after.state !== "soaking_data_plane") return;
        ailing = true;
        fleet.metrics.ail("c-002", { from: after.since, latency: 1.5, errors: 0.01 });
      },
    });
    const records = (await createRegistry(fleet.store).loadAll()).map(({ record }) => record);
    expect(records.map(({ state, entry }) => [state, entry.currentIstioVersion])).toEqual([
      ["rollback_completed", "1.30.5"],
      ["rollback_completed", "1.30.5"],
    ]);
    for (const id of ["c-001", "c-002"]) expect(fleet.cluster(id).charts().get("istiod")).toBe("1.30.5");
  });

  it("given one was left out, it stays out of every later step, also for a process that was not told", async () => {
    const fleet = await fleetOf({ unordered: true });
    const plan = await planOf(fleet);
    const stock = { rule: "custom", check: "stock", subject: "s", evidence: "e", fix: "f", link: "l" } as const;
    const ports = {
      ...fleet.ports,
      customChecks: async (record: ClusterRecord) =>
        record.entry.clusterId === "c-001" ? [{ ...stock, level: "block" as const }] : [],
    };
    const checked = { ...fleet, ports };
    await go(checked, plan);
    expect(await states(fleet)).toEqual([
      expect.stringContaining("block custom stock"),
      expect.stringContaining("c-001 did not pass"),
    ]);
    await go(checked, plan, { exclude: ["c-001"] });
    await toTheEnd(checked, plan);
    expect(await states(fleet)).toEqual([expect.stringContaining("pre_check_failed"), "upgraded"]);
    expect(fleet.cluster("c-001").charts().get("istiod")).toBe("1.30.5");
  });

  it("given a name that the batch does not have is to stay out, nothing begins", async () => {
    const fleet = await fleetOf();
    const unknown = expect.objectContaining({
      code: "guard-unknown-cluster",
      message: expect.stringMatching(/Batch wave-01 has no cluster c-0001 that could stay out.*c-001/),
    });
    await expect(planOf(fleet, "1.31.1", "in-place", ["c-0001"])).rejects.toThrow(unknown);
    const plan = await planOf(fleet);
    await expect(go(fleet, plan, { exclude: ["c-0001"] })).rejects.toThrow(unknown);
    expect(await states(fleet)).toEqual(["pending", "pending"]);
  });
});
