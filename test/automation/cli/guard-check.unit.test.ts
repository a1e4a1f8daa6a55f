import { describe, expect, it } from "vitest";
import { checkCluster } from "../../../automation/cli/guard-check.ts";
import { createFleet, type Fleet, type FleetOptions } from "../../../automation/drill/guard/fleet.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import { createRegistry } from "../../../automation/guard/registry/registry.ts";
import type { RunPorts } from "../../../automation/guard/run/context.ts";

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

/** What G25 says of a hop under settings. */
async function ofBaseline(validation: object): Promise<readonly string[]> {
  const { findings } = await look(await fleetOf({ settings: { validation } }));
  return findings.filter(({ rule, level }) => rule === "G25" && level === "block").map(({ evidence }) => evidence);
}

const look = (fleet: Fleet, ports: Partial<RunPorts> = {}, hop: Partial<Parameters<typeof checkCluster>[4]> = {}) =>
  fleet.clock.run(() =>
    checkCluster(
      { ...fleet.ports, ...ports },
      createRegistry(fleet.store),
      fleet.settings,
      "c-001",
      { target: "1.31.1", strategy: undefined, ...hop },
      new AbortController().signal,
    ),
  );

const custom = (level: "block" | "undecided" | "warn") => ({
  customChecks: async () => [
    { rule: "custom", check: "stock", subject: "stock", evidence: "out of it", fix: "Buy.", link: "docs", level },
  ],
});

/** Istiod's release with something else instead of its version. */
async function floating(fleet: Fleet): Promise<void> {
  const path = "istio/c-001/istiod.yaml";
  const text = fleet.host.text("mesh/wave-01", fleet.host.fetched("mesh/wave-01", "main").commit, path) ?? "";
  const changed = text.replace('version: "1.30.5"', "version: 1.30.x");
  fleet.host.push("mesh/wave-01", "main", "bob", "float", [{ kind: "update", path, text: changed }]);
}

describe("a look at one cluster", () => {
  it("passes where a run would, and writes nothing at all", async () => {
    const fleet = await fleetOf();
    const written: string[] = [];
    const store = new Proxy(fleet.ports.store, {
      get(target, name, receiver) {
        if (["write", "remove", "archive", "lock", "keep"].includes(String(name))) written.push(String(name));
        return Reflect.get(target, name, receiver);
      },
    });
    expect(await look(fleet, { store })).toMatchObject({ verdict: "passed", refusals: [], problems: [] });
    expect(written).toEqual([]);
    expect(await fleet.store.document("baseline", "analysis-c-001-1.30.5")).toBeUndefined();
  });

  it("passes for the version that the cluster runs, with nothing to edit", async () => {
    expect(await look(await fleetOf(), {}, { target: undefined })).toMatchObject({ target: "1.30.5", refusals: [] });
  });

  it.each([
    ["block", "blocked"],
    ["undecided", "undecided"],
    ["warn", "passed"],
  ] as const)("asks checks by module: %s is %s", async (level, verdict) => {
    const found = await look(await fleetOf(), custom(level));
    expect(found.verdict).toBe(verdict);
    expect(found.findings).toContainEqual(expect.objectContaining({ rule: "custom", level }));
  });

  it("is blocked where the editor refuses, and says why", async () => {
    const fleet = await fleetOf();
    await floating(fleet);
    const found = await look(fleet);
    expect(found.verdict).toBe("blocked");
    expect(found.refusals.join()).toContain("istio/c-001/istiod.yaml");
  });

  it("is no pass where something could not be read", async () => {
    const fleet = await fleetOf();
    const broken = {
      host: {
        ...fleet.ports.host,
        facts: async () => {
          throw new SwitchyardError("git-host-busy", { message: "later" });
        },
      },
    };
    const found = await look(fleet, broken);
    expect(found.verdict).not.toBe("passed");
    expect(found.problems.join()).toContain("gitlab: git-host-busy: later");
  });

  it("looks with the strategy that is asked for", async () => {
    const fleet = await fleetOf({ istio: "1.29.8", kubernetes: "1.33" });
    const inPlace = await look(fleet);
    expect(inPlace.findings).toContainEqual(expect.objectContaining({ rule: "G01", level: "block" }));
    const revision = await look(fleet, {}, { strategy: "revision" });
    expect(revision.strategy).toBe("revision");
    expect(revision.findings.filter(({ rule, level }) => rule === "G01" && level === "block")).toEqual([]);
  });

  it("wants as many requests as the settings and the flags of a run say", async () => {
    expect(await ofBaseline({})).toEqual([]);
    const many = { thresholds: { min_requests: 9_000_000 } };
    expect(await ofBaseline(many)).toEqual(["1 services had fewer than 9,000,000 requests in 180 minutes"]);
  });

  it("takes a file that only clusters of its batch read for editable", async () => {
    const fleet = await fleetOf();
    const path = "clusters/c-002/istio.yaml";
    const text = fleet.host.text("mesh/wave-01", fleet.host.fetched("mesh/wave-01", "main").commit, path) ?? "";
    const shared = text.replace("./istio/c-002", "./istio/c-001");
    fleet.host.push("mesh/wave-01", "main", "bob", "share", [{ kind: "update", path, text: shared }]);
    expect((await look(fleet)).refusals).toEqual([]);
  });
});
