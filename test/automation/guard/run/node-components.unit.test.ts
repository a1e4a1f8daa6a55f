import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../../automation/drill/guard/fleet.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

// In place, in a cluster that has istio-cni.

const repository = "mesh/wave-01";

async function withCni(): Promise<Fleet> {
  const fleet = await fleetOf({ clusters: 1, settings: { execution: { poll_seconds: 5 } } });
  const text = (
    fleet.host.text(repository, fleet.host.fetched(repository, "main").commit, "istio/c-001/istiod.yaml") ?? ""
  )
    .replace("name: istiod", "name: istio-cni")
    .replace("name: istio-base", "name: istiod")
    .replace("chart: istiod", "chart: cni");
  fleet.host.push(repository, "main", "bob", "cni", [{ kind: "create", path: "istio/c-001/cni.yaml", text }]);
  await fleet.clock.run(() => fleet.clock.sleep(20 * 60_000));
  const { artifacts } = fleet.ports;
  if (artifacts === undefined) throw new Error("no artifacts");
  const looked: typeof artifacts = async (git, version, signal) => {
    const found = await artifacts(git, version, signal);
    const at = parseVersion(version);
    if (at === undefined) throw new Error(version);
    const image = { kind: "image", name: "install-cni", version: at, source: "docker.io/istio", found: true } as const;
    return { ...found, section: [...(found.section ?? []), image] };
  };
  return { ...fleet, ports: { ...fleet.ports, artifacts: looked } };
}

describe("a rollback in place with istio-cni", () => {
  it("measures how long istio-cni was ahead of istiod, also where no proxy was", async () => {
    const fleet = await withCni();
    const plan = await planOf(fleet);
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    fleet.metrics.worsen("c-001", "xds_rejects", fleet.clock.wall(), 5);
    const notes: string[] = [];
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (_, __, { event, note }) => {
        if (event === "mr_opened" || event === "rollback_mr_opened") void fleet.mergeAll("bob");
        if (event === "skew_seen") notes.push(note ?? "");
      },
    });
    expect(notes).toEqual([expect.stringMatching(/^ahead of the control plane: \d pods of istio-cni$/)]);
    expect(await states(fleet)).toEqual([
      expect.stringMatching(/^rollback_completed: the data plane was ahead of its control plane for \d+ s$/),
    ]);
    expect(fleet.cluster("c-001").charts().get("istio-cni")).toBe("1.30.5");
    const [record] = await createRegistry(fleet.store).loadAll();
    expect(record?.record.run?.rollback).toMatchObject({ askedBy: "gate A", dataPlaneMoved: false });
  });
});
