import { describe, expect, it } from "vitest";
import { parseVersion, type Version } from "../../../../automation/guard/plan/versions.ts";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { fleetEvidence } from "../../../../automation/guard/run/fleet-evidence.ts";
import { epoch, planOf, recordOf, settings } from "./batch.ts";

const plan = planOf(["eu-1", "eu-2"]);
const version = (text: string): Version => {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const to = version("1.31.1");
const other = (
  clusterId: string,
  batchId: string,
  change: Partial<ClusterRecord>,
  version = "1.30.5",
): ClusterRecord => {
  const { run: _run, ...record } = recordOf(plan, "eu-1");
  return { ...record, entry: { ...record.entry, clusterId, batchId, currentIstioVersion: version }, ...change };
};
const view = (clusters: readonly ClusterRecord[]) => ({
  clusters,
  batch: "wave-1",
  members: [recordOf(plan, "eu-1"), recordOf(plan, "eu-2")],
  to,
  settings: settings({ batch_order: { "wave-1": ["staging"] } }),
  now: epoch,
  fence: 3,
});

describe("what the registry knows of the fleet", () => {
  it.each([
    ["upgraded", { state: "upgraded" as const }, "1.31.1"],
    ["upgraded", { state: "healthy" as const }, "1.31.2"],
    ["soaking", { state: "soaking_data_plane" as const }, "1.30.5"],
    ["failed", { state: "rollback_completed" as const }, "1.30.5"],
    ["not-started", { state: "healthy" as const }, "1.30.5"],
  ])("an earlier wave is %s", (state, change, at) => {
    const { fleet } = fleetEvidence(view([other("s-1", "staging", change, at)]), recordOf(plan, "eu-1"));
    expect(fleet?.earlierWaves).toEqual([{ name: "staging", state }]);
  });

  it("clusters of one mesh are its peers, others are not", () => {
    const mine = recordOf(plan, "eu-1");
    const of = (meshId: string): ClusterRecord => ({ ...mine, entry: { ...mine.entry, meshId } });
    const peer = other("us-1", "wave-2", { state: "healthy" });
    const { fleet } = fleetEvidence(
      view([of("retail"), { ...peer, entry: { ...peer.entry, meshId: "retail" } }, other("x", "wave-2", {})]),
      of("retail"),
    );
    expect(fleet?.peers).toEqual([{ cluster: "us-1", version: version("1.30.5") }]);
  });
});
