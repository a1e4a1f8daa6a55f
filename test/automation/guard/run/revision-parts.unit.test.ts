import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../../automation/drill/guard/fleet.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { namespace } from "../../../../automation/guard/simulation/shapes.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

// By revision, in a cluster that has istio-cni.

const repository = "mesh/wave-01";

async function withCni(): Promise<Fleet> {
  const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
  const base =
    fleet.host.text(repository, fleet.host.fetched(repository, "main").commit, "istio/c-001/base.yaml") ?? "";
  const text = base
    .replace("name: istio-base", "name: istio-cni")
    .replace("chart: base", "chart: cni")
    .replace(/ {4}defaultRevision.*\n/, "");
  fleet.host.push(repository, "main", "bob", "cni", [{ kind: "create", path: "istio/c-001/cni.yaml", text }]);
  await fleet.clock.run(() => fleet.clock.sleep(20 * 60_000));
  expect(fleet.cluster("c-001").charts().get("istio-cni")).toBe("1.30.5");
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

describe("namespaces that are injected, by revision", () => {
  it("given the repository does not have their label, the plan is blocked with their names, and nothing begins", async () => {
    const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
    const path = "istio/c-001/namespaces.yaml";
    fleet.host.push(repository, "main", "bob", "by hand", [{ kind: "delete", path }]);
    await fleet.clock.run(() => fleet.clock.sleep(20 * 60_000));
    const { api } = fleet.cluster("c-001");
    for (const name of ["cart", "mail"]) api.put(namespace(name, { "istio.io/rev": "stable" }), fleet.clock.wall());
    const plan = await planOf(fleet, "1.31.1", "revision");
    expect(plan.verdict).toBe("blocked");
    expect(plan.clusters[0]?.next?.findings).toContainEqual(
      expect.objectContaining({ rule: "G14", check: "label-not-in-git", level: "block", subject: "cart, mail" }),
    );
    await go(fleet, plan);
    expect(await states(fleet)).toEqual([expect.stringContaining("label-not-in-git")]);
  });
});

describe("node components by revision", () => {
  it("move after the last share of the workloads, proven, and before the gateways", async () => {
    const fleet = await withCni();
    const plan = await planOf(fleet, "1.31.1", "revision");
    const kinds = plan.clusters.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === "istio" ? step.mergeRequests.map((one) => one.step.kind) : [])),
    );
    expect(kinds.slice(-4)).toEqual(["node-components", "gateways", "default-revision", "remove-old"]);
    const seen: string[] = [];
    await go(fleet, plan, {
      until: "end",
      onMove: (_, after, { event }) => {
        if (after.state === "mr_created") void fleet.mergeAll("ada");
        if (event !== "synced") return;
        const charts = fleet.cluster("c-001").charts().get("istio-cni");
        seen.push(`${kinds[after.run?.step.index ?? 0]} ${charts}`);
      },
    });
    expect(await states(fleet)).toEqual([expect.stringMatching(/^(upgraded|healthy)/)]);
    const moved = seen.indexOf("node-components 1.31.1");
    expect(moved).toBeGreaterThan(0);
    expect(seen.slice(0, moved).every((one) => one.endsWith(" 1.30.5"))).toBe(true);
  });

  it("go back with everything else", async () => {
    const fleet = await withCni();
    const plan = await planOf(fleet, "1.31.1", "revision");
    let moved = false;
    await go(fleet, plan, {
      until: "end",
      onMove: (_, after, { event }) => {
        if (after.state === "mr_created" || after.state === "rollback_mr_created") void fleet.mergeAll("ada");
        if (event !== "data_plane_moved" || moved) return;
        if (fleet.cluster("c-001").charts().get("istio-cni") !== "1.31.1") return;
        moved = true;
        fleet.metrics.ail("c-001", { from: after.since, latency: 1.5, errors: 0.01 });
      },
    });
    expect(moved).toBe(true);
    expect(await states(fleet)).toEqual([expect.stringContaining("rollback_completed")]);
    expect(fleet.cluster("c-001").charts().get("istio-cni")).toBe("1.30.5");
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
  });
});
