import { describe, expect, it } from "vitest";
import { describeFleet } from "../../../../automation/cli/guard-status-view.ts";
import { type ClusterRecord, clusterEntry, type RunRecord } from "../../../../automation/guard/registry/record.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { type GuardState, guardStates, stateRows } from "../../../../automation/guard/registry/state-names.ts";
import { clusterStatus, fleetStatus } from "../../../../automation/guard/registry/status.ts";
import { guardConfig } from "../../../../automation/guard/settings.ts";
import { simulateGuardStore } from "../../../../automation/guard/simulation/store.ts";

const { validation } = guardConfig.parse({});
const now = Date.parse("2026-12-01T10:00:00Z");
const minute = 60_000;

const entry = (clusterId: string) =>
  clusterEntry.parse({
    clusterId,
    batchId: "wave-1",
    environment: "production",
    region: "eu-central-1",
    gitlabRepo: "mesh/fleet",
    fluxConfigPath: "clusters",
    currentIstioVersion: "1.30.5",
  });

const mark = (iid: number) => ({
  repository: "mesh/fleet",
  branch: "b",
  iid,
  url: `https://gitlab.example.com/mesh/fleet/-/merge_requests/${iid}`,
  base: "0",
  commit: "1",
});

const run = (more: Partial<RunRecord> = {}): RunRecord => ({
  plan: "hash",
  hop: 0,
  from: "1.30.5",
  to: "1.31.1",
  strategy: "in-place",
  startedAt: 1_000,
  step: { index: 0, attempt: 1, checkedAt: now - 10 * minute, mergeRequest: mark(12) },
  landed: [],
  restarted: [],
  ...more,
});

const record = (state: GuardState, more: Partial<ClusterRecord> = {}): ClusterRecord => ({
  entry: entry("a"),
  state,
  since: now - 5 * minute,
  run: run(),
  history: [],
  ...more,
});

const status = (given: ClusterRecord) => clusterStatus(given, validation, now);

describe("the status of a cluster", () => {
  it.each(guardStates)("that is %s says what is next and who has to act, as the state table does", (state) => {
    const found = status(record(state));
    expect(found).toMatchObject({
      state,
      waitsFor: stateRows[state].waitsFor,
      target: "1.31.1",
      since: now - 5 * minute,
    });
    expect(found.next).toMatch(/^[^.]{4,80}$/);
  });

  it("with an open merge request says which, and how long its checks hold", () => {
    expect(status(record("mr_created"))).toMatchObject({
      next: "somebody merges !12",
      mergeRequest: "https://gitlab.example.com/mesh/fleet/-/merge_requests/12",
      due: now + 50 * minute,
      overdue: false,
    });
    const back = { reason: "r", askedBy: "ada", askedAt: 1, dataPlaneMoved: false, attempt: 1, mergeRequest: mark(13) };
    expect(status(record("rollback_mr_created", { run: run({ rollback: back }) }))).toMatchObject({
      next: "somebody merges !13",
      mergeRequest: expect.stringContaining("/13"),
    });
    expect(status(record("upgrading"))).not.toHaveProperty("mergeRequest");
  });

  it("that soaks says before which gate, and until when", () => {
    const soak = { startedAt: now - 5 * minute, endsAt: now + 10 * minute, extended: false };
    expect(status(record("soaking_control_plane", { run: run({ soak }) }))).toMatchObject({
      gate: "A",
      due: now + 10 * minute,
      overdue: false,
    });
    expect(status(record("soaking_data_plane", { run: run({ soak }) }))).toMatchObject({ gate: "B" });
    expect(status(record("upgrading"))).not.toHaveProperty("gate");
  });

  it("whose soak ended long ago is overdue, for nobody looks after it", () => {
    const soak = (endsAt: number) => run({ soak: { startedAt: 0, endsAt, extended: false } });
    expect(status(record("soaking_data_plane", { run: soak(now - 4 * minute) })).overdue).toBe(false);
    expect(status(record("soaking_data_plane", { run: soak(now - 6 * minute) })).overdue).toBe(true);
  });

  it("that waits for Flux says until when, from the merge on", () => {
    const merged = run({ step: { index: 0, attempt: 1, mergeRequest: { ...mark(1), mergedAt: now - 30 * minute } } });
    expect(status(record("upgrading", { run: merged }))).toMatchObject({ due: now - 15 * minute, overdue: true });
  });

  it("that is paused says from where and why", () => {
    const paused = record("paused", { pausedFrom: "mr_created", run: run({ note: "merge request !12 was closed" }) });
    expect(status(paused)).toMatchObject({
      pausedFrom: "mr_created",
      waitsFor: "a person",
      note: "merge request !12 was closed",
    });
  });

  it("without a run has no target", () => {
    const { run: _run, ...rest } = record("healthy");
    expect(status(rest)).not.toHaveProperty("target");
  });
});

describe("the status of a fleet", () => {
  const fleet = [
    record("paused", { entry: entry("a"), pausedFrom: "upgrading", run: run({ note: "Flux is suspended" }) }),
    record("mr_created", { entry: entry("b") }),
    record("mr_created", { entry: entry("c") }),
    record("pending", { entry: entry("d") }),
  ];

  it("counts states in the order of a run, and names who waits for people", () => {
    const found = fleetStatus(fleet, validation, now);
    expect(Object.entries(found.states)).toEqual([
      ["pending", 1],
      ["mr_created", 2],
      ["paused", 1],
    ]);
    expect(found.waitingForPeople).toEqual(["a", "b", "c"]);
  });

  it("is told with merge requests, reasons and who has to act", () => {
    const lines = describeFleet(fleetStatus(fleet, validation, now), now);
    expect(lines[0]).toMatch(/^cluster +batch +istio +state +for +waits for +next$/);
    expect(lines[1]).toMatch(
      /^a +wave-1 +1\.30\.5 > 1\.31\.1 +paused \(upgrading\) +5 min 0 s +a person +a person lets/,
    );
    expect(lines[2]).toMatch(/somebody merges !12, \d\d:\d\d:\d\d$/);
    expect(lines).toContain("4 clusters: 1 pending, 2 mr_created, 1 paused.");
    expect(lines).toContain("b: https://gitlab.example.com/mesh/fleet/-/merge_requests/12");
    expect(lines).toContain("a: Flux is suspended");
    expect(lines).toContain("3 clusters wait for a person.");
    expect(lines.at(-1)).toMatch(/npx switchyard guard resume --batch wave-1/);
    expect(describeFleet(fleetStatus([], validation, now), now)[0]).toBe("No cluster is there.");
  });

  it("of 75 clusters with long histories takes less than a second of processor time", async () => {
    const store = simulateGuardStore();
    const registry = createRegistry(store);
    const line = { at: 1, event: "mr_opened", from: "pre_check_passed", to: "mr_created", by: "guard" } as const;
    const history = Array.from({ length: 40 }, () => ({ ...line, note: "x".repeat(200) }));
    for (let index = 0; index < 75; index += 1) {
      const added = await registry.add(entry(`c-${index}`), 0, 0);
      await registry.save(added, record("mr_created", { entry: entry(`c-${index}`), history }), 0);
    }
    const before = process.cpuUsage();
    const loaded = await registry.loadAll();
    const lines = describeFleet(
      fleetStatus(
        loaded.map((one) => one.record),
        validation,
        now,
      ),
      now,
    );
    const { user, system } = process.cpuUsage(before);
    expect(lines.length).toBeGreaterThan(150);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});
