import { describe, expect, it } from "vitest";
import { applyImport, batchesOf, planImport } from "../../../../automation/guard/registry/import.ts";
import { clusterEntry } from "../../../../automation/guard/registry/record.ts";
import { createRegistry, type Loaded } from "../../../../automation/guard/registry/registry.ts";
import { simulateGuardStore } from "../../../../automation/guard/simulation/store.ts";

const entry = (clusterId: string, more: Readonly<Record<string, unknown>> = {}) =>
  clusterEntry.parse({
    clusterId,
    batchId: "wave-1",
    environment: "production",
    region: "eu-central-1",
    gitlabRepo: "mesh/fleet",
    fluxConfigPath: `clusters/${clusterId}`,
    currentIstioVersion: "1.30.5",
    ...more,
  });

async function place() {
  const store = simulateGuardStore();
  const registry = createRegistry(store);
  const byId = async () =>
    new Map((await registry.loadAll()).map((loaded): [string, Loaded] => [loaded.record.entry.clusterId, loaded]));
  return { store, registry, byId };
}

describe("an import", () => {
  it("adds what is new, updates what differs, and leaves what is so already", async () => {
    const { registry, byId } = await place();
    for (const id of ["a", "b"]) await registry.add(entry(id), 0, 0);
    const plan = planImport(
      [entry("a"), entry("b", { region: "us-east-1", batchId: "wave-2" }), entry("c")],
      await byId(),
    );
    expect(plan).toMatchObject({
      added: [{ clusterId: "c" }],
      updated: [{ entry: { clusterId: "b" }, changed: ["batch_id", "region"] }],
      same: ["a"],
      refused: [],
    });
    expect(batchesOf(plan)).toEqual(["wave-1", "wave-2"]);
    await applyImport(registry, plan, 5, 1);
    expect((await byId()).get("b")).toMatchObject({
      version: 2,
      record: { entry: { region: "us-east-1" }, state: "pending" },
    });
    const again = planImport(
      [entry("a"), entry("b", { region: "us-east-1", batchId: "wave-2" }), entry("c")],
      await byId(),
    );
    expect(again).toMatchObject({ added: [], updated: [], same: ["a", "b", "c"] });
  });

  it("refuses to change a cluster with a run under way, and names it", async () => {
    const { registry, byId } = await place();
    const added = await registry.add(entry("a"), 0, 0);
    await registry.save(added, { ...added.record, state: "mr_created" }, 1);
    const plan = planImport([entry("a", { region: "x" })], await byId());
    expect(plan).toMatchObject({
      updated: [],
      refused: [expect.stringContaining("a is mr_created: a run is under way")],
    });
    expect(planImport([entry("a")], await byId())).toMatchObject({ same: ["a"], refused: [] });
  });

  it("puts back what it wrote when a later one cannot be written", async () => {
    const { store, registry, byId } = await place();
    await registry.add(entry("a"), 0, 0);
    await registry.add(entry("b"), 0, 0);
    const plan = planImport(
      [entry("c"), entry("a", { region: "us-east-1" }), entry("b", { region: "us-east-1" })],
      await byId(),
    );
    const b = await registry.load("b");
    await registry.save(b, { ...b.record, since: 9 }, 0);
    await expect(applyImport(registry, plan, 5, 1)).rejects.toMatchObject({
      code: "guard-conflict",
      message: expect.stringContaining("nothing is changed"),
    });
    const after = await byId();
    expect([...after.keys()]).toEqual(["a", "b"]);
    expect(after.get("a")?.record.entry).toEqual(entry("a"));
    expect(store.calls("remove")).toBe(1);
  });

  it("says so when it cannot put back, and the same import again goes on", async () => {
    const { store, registry, byId } = await place();
    const entries = [entry("a"), entry("b"), entry("c")];
    let writes = 0;
    store.interfere((call) => {
      if (call === "write") writes += 1;
      return (call === "write" && writes === 3) || call === "remove" ? "fail" : undefined;
    });
    await expect(applyImport(registry, planImport(entries, await byId()), 5, 0)).rejects.toMatchObject({
      code: "state-unreachable",
      message: expect.stringContaining("2 of 2 changes before it could not be put back"),
    });
    store.interfere(undefined);
    const rest = planImport(entries, await byId());
    expect(rest).toMatchObject({ same: ["a", "b"], added: [{ clusterId: "c" }] });
    await applyImport(registry, rest, 6, 0);
    expect((await byId()).size).toBe(3);
  });
});
