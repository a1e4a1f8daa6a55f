import { describe, expect, it } from "vitest";
import { lostStates, problemsOf, type WaveEnd } from "../../../../automation/drill/guard/upgrade.ts";
import { type ClusterRecord, clusterEntry } from "../../../../automation/guard/registry/record.ts";
import { moveRecord, newRecord } from "../../../../automation/guard/registry/registry.ts";

const entry = clusterEntry.parse({
  clusterId: "c-001",
  batchId: "wave-01",
  environment: "prod",
  region: "eu-central-1",
  gitlabRepo: "mesh/wave-01",
  fluxConfigPath: "clusters/c-001",
  currentIstioVersion: "1.31.1",
});

function walked(): ClusterRecord {
  let record = newRecord(entry, 1);
  for (const event of ["started", "checks_passed", "mr_opened"] as const) {
    const moved = moveRecord(record, event, { at: 2, by: "test" });
    if (moved.kind === "refused") throw new Error(moved.why);
    record = moved.record;
  }
  return record;
}

describe("what a wave must be at its end", () => {
  const record: ClusterRecord = { entry, state: "upgraded", since: 1, history: [] };
  const cluster = { proxies: ["1.31.1"], planes: ["1.31.1"], asked: ["stable"] };
  const clusters = (change: Partial<typeof cluster> = {}) => new Map([["c-001", { ...cluster, ...change }]]);
  const end: WaveEnd = { records: [record], mergeRequests: 1, clusters: clusters() };
  const expected = { state: "upgraded", version: "1.31.1", mergeRequests: 1 } as const;

  it("nothing is found in one that is as it should be", () => expect(problemsOf(end, expected)).toEqual([]));

  it("after a return both control planes have to be there", () => {
    const both = { ...expected, planes: ["1.30.5", "1.31.1"] };
    expect(problemsOf(end, both)).toEqual(["c-001 has control planes of 1.31.1 instead of 1.30.5, 1.31.1"]);
    expect(problemsOf({ ...end, clusters: clusters({ planes: both.planes }) }, both)).toEqual([]);
  });

  it.each([
    ["a second merge request", { mergeRequests: 2 }, "2 merge requests instead of 1"],
    ["another state", { records: [{ ...record, state: "paused" as const }] }, "c-001 is paused instead of upgraded"],
    [
      "a registry that is behind",
      { records: [{ ...record, entry: { ...entry, currentIstioVersion: "1.30.5" } }] },
      "the registry has c-001 at 1.30.5",
    ],
    ["proxies of two versions", { clusters: clusters({ proxies: ["1.30.5", "1.31.1"] }) }, "run 1.30.5, 1.31.1"],
    ["no proxies", { clusters: new Map() }, "run nothing"],
    [
      "an old control plane that stayed",
      { clusters: clusters({ planes: ["1.30.5", "1.31.1"] }) },
      "c-001 has control planes of 1.30.5, 1.31.1 instead of 1.31.1",
    ],
    [
      "a namespace that was not returned",
      { clusters: clusters({ asked: ["canary", "stable"] }) },
      "a namespace of c-001 still asks for canary",
    ],
  ])("%s is found", (_, change, problem) =>
    expect(problemsOf({ ...end, ...change }, expected).join("\n")).toContain(problem),
  );
});

describe("histories", () => {
  it("a walk of the state table has lost nothing", () => expect(lostStates(walked())).toEqual([]));

  it("a line that is missing, one that the table does not have, and an end elsewhere are found", () => {
    const record = walked();
    const [first, , third] = record.history;
    if (first === undefined || third === undefined) throw new Error("three lines");
    expect(lostStates({ ...record, history: [first, third] })).toEqual([
      "c-001 went from pre_check_running to pre_check_passed by nothing",
    ]);
    expect(lostStates({ ...record, history: [{ ...first, event: "mr_merged" }] })).toHaveLength(3);
    expect(lostStates({ ...record, state: "upgraded" })).toEqual(["c-001 is upgraded, its history ends in mr_created"]);
  });
});
