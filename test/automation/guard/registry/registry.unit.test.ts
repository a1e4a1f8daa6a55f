import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterEntry, type RunRecord } from "../../../../automation/guard/registry/record.ts";
import {
  batchLock,
  createRegistry,
  historyLength,
  type Loaded,
  moveRecord,
  newRecord,
  parseRecord,
} from "../../../../automation/guard/registry/registry.ts";
import { eventsFrom, transition } from "../../../../automation/guard/registry/state.ts";
import { simulateGuardStore } from "../../../../automation/guard/simulation/store.ts";

const entry = (clusterId: string, batchId = "wave-1") =>
  clusterEntry.parse({
    clusterId,
    batchId,
    environment: "production",
    region: "eu-central-1",
    gitlabRepo: "mesh/fleet",
    fluxConfigPath: `clusters/${clusterId}`,
    currentIstioVersion: "1.30.5",
  });

const run: RunRecord = {
  plan: "hash",
  hop: 0,
  from: "1.30.5",
  to: "1.31.1",
  strategy: "in-place",
  startedAt: 1_000,
  step: { index: 0, attempt: 1 },
  landed: [],
  restarted: [],
};

/** Through these events, each a second later. */
function through(events: readonly Parameters<typeof moveRecord>[1][], record = newRecord(entry("a"), 0)) {
  return events.reduce((now, event, index) => {
    const moved = moveRecord(now, event, { at: (index + 1) * 1_000, by: "guard", run });
    if (moved.kind === "refused") throw new Error(moved.why);
    return moved.record;
  }, record);
}

const toUpgraded = [
  "started",
  "checks_passed",
  "mr_opened",
  "mr_merged",
  "sync_started",
  "synced",
  "control_plane_soak_started",
  "control_plane_soak_passed",
  "data_plane_moved",
  "data_plane_soak_ended",
  "validated",
] as const;

describe("a move of a record", () => {
  it("is the state table's, with a line of history", () => {
    expect(moveRecord(newRecord(entry("a"), 5), "started", { at: 9, by: "ada", note: "go", run })).toEqual({
      kind: "moved",
      record: {
        entry: entry("a"),
        state: "pre_check_running",
        since: 9,
        run,
        history: [{ at: 9, event: "started", from: "pending", to: "pre_check_running", by: "ada", note: "go" }],
      },
    });
  });

  it("that the table does not have is refused, with what is possible", () => {
    expect(moveRecord(newRecord(entry("a"), 0), "mr_merged", { at: 1, by: "guard" })).toEqual({
      kind: "refused",
      why: "mr_merged cannot happen to a cluster that is pending",
      possible: eventsFrom("pending"),
    });
  });

  it("into a pause remembers where it was, and out of it forgets that", () => {
    const paused = through(["started", "checks_passed", "mr_opened", "mr_closed"]);
    expect(paused).toMatchObject({ state: "paused", pausedFrom: "mr_created" });
    const resumed = through(["resumed"], paused);
    expect(resumed.state).toBe("mr_created");
    expect(resumed).not.toHaveProperty("pausedFrom");
  });

  it("keeps the run unless there is another", () => {
    const started = through(["started"]);
    const next = moveRecord(started, "checks_passed", { at: 2, by: "guard" });
    expect(next).toMatchObject({ record: { run } });
    const other = { ...run, baseline: "b" };
    expect(moveRecord(started, "checks_passed", { at: 2, by: "guard", run: other })).toMatchObject({
      record: { run: other },
    });
  });

  it("with a verdict passed puts the new version into the registry, and one back the old one", () => {
    const upgraded = through(toUpgraded);
    expect(upgraded.entry.currentIstioVersion).toBe("1.31.1");
    const back = through(["rollback_asked", "rollback_mr_opened", "rollback_mr_merged", "rolled_back"], upgraded);
    expect(back).toMatchObject({ state: "rollback_completed", entry: { currentIstioVersion: "1.30.5" } });
    for (const [index] of toUpgraded.slice(0, -1).entries())
      expect(through(toUpgraded.slice(0, index + 1)).entry.currentIstioVersion).toBe("1.30.5");
  });

  it("into the same state does not begin it anew", () => {
    const soaking = through([...toUpgraded.slice(0, 7)]);
    const extended = moveRecord(soaking, "soak_extended", { at: 99_000, by: "guard" });
    expect(extended).toMatchObject({ record: { state: "soaking_control_plane", since: soaking.since } });
  });

  it("cuts a note that no item should hold", () => {
    const moved = moveRecord(newRecord(entry("a"), 0), "started", { at: 1, by: "guard", note: "x".repeat(9_999), run });
    expect(moved.kind === "moved" && moved.record.history[0]?.note?.length).toBe(2_000);
  });

  it("agrees with the table for any events, and what it makes can be stored", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (choices) => {
        let record = newRecord(entry("a"), 0);
        for (const [index, choice] of choices.entries()) {
          const possible = eventsFrom(record.state);
          const event = possible[choice % possible.length];
          if (event === undefined) return;
          const { state, pausedFrom } = record;
          const standing = { state, ...(pausedFrom === undefined ? {} : { pausedFrom }) };
          const expected = transition(standing, event);
          const moved = moveRecord(record, event, { at: index + 1, by: "guard", run });
          expect(moved.kind).toBe(expected.kind);
          if (moved.kind === "refused") continue;
          if (expected.kind === "moved") expect(moved.record.state).toBe(expected.standing.state);
          record = moved.record;
          const { clusterId, batchId } = record.entry;
          const value = JSON.stringify(record);
          expect(parseRecord({ clusterId, batchId, value, version: 3, fence: 1 })).toEqual({
            record,
            version: 3,
            fence: 1,
          });
        }
        expect(record.history.length).toBeLessThanOrEqual(choices.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a stored record that does not fit", () => {
  const stored = (value: string) => ({ clusterId: "a", batchId: "wave-1", value, version: 2, fence: 0 });
  const good = newRecord(entry("a"), 0);
  it.each([
    ["no JSON", "{", "it is no JSON"],
    ["another form", "{}", "state: "],
    ["a state that does not exist", JSON.stringify({ ...good, state: "upgraded-maybe" }), "state: "],
    ["another cluster's", JSON.stringify(newRecord(entry("b"), 0)), "it is of cluster b in batch wave-1"],
    ["of another batch", JSON.stringify(newRecord(entry("a", "wave-2"), 0)), "and stored in batch wave-1"],
    ["with something that nobody knows", JSON.stringify({ ...good, more: 1 }), "more"],
  ])("%s is said to be damaged", (_what, value, why) => {
    expect(() => parseRecord(stored(value))).toThrow(
      expect.objectContaining({ code: "state-damaged", message: expect.stringContaining(why) }),
    );
  });
});

describe("the registry", () => {
  const opened = async (...ids: readonly string[]) => {
    const store = simulateGuardStore();
    const registry = createRegistry(store);
    const loaded: Loaded[] = [];
    for (const id of ids) loaded.push(await registry.add(entry(id), 0, 0));
    return { store, registry, loaded };
  };

  it("adds a cluster that is pending, once", async () => {
    const { registry } = await opened("a");
    expect(await registry.load("a")).toEqual({ record: newRecord(entry("a"), 0), version: 1, fence: 0 });
    await expect(registry.add(entry("a"), 0, 0)).rejects.toMatchObject({ code: "guard-conflict" });
  });

  it("names what is near when a cluster or batch is not known", async () => {
    const { registry } = await opened("prod-eu-1", "prod-eu-2");
    await expect(registry.load("prod-eu1")).rejects.toMatchObject({
      code: "guard-unknown-cluster",
      message: expect.stringContaining("did you mean prod-eu-1?"),
    });
    await expect(registry.loadBatch("wave1")).rejects.toMatchObject({
      message: "The registry has no cluster in a batch wave1; known: wave-1; did you mean wave-1?",
    });
    await expect(createRegistry(simulateGuardStore()).loadBatch("x")).rejects.toMatchObject({
      message: expect.stringContaining("it is empty"),
    });
    expect(await registry.find("other")).toBeUndefined();
  });

  it("tells a conflict from a fence, and writes nothing in either", async () => {
    const { registry, loaded } = await opened("a");
    const [first] = loaded;
    if (first === undefined) throw new Error("none");
    const record = through(["started"]);
    const second = await registry.save(first, record, 5);
    expect(second).toMatchObject({ version: 2, fence: 5 });
    expect(await registry.write(first, record, 5)).toEqual({ kind: "conflict" });
    expect(await registry.write(second, record, 4)).toEqual({ kind: "fenced" });
    await expect(registry.save(first, record, 5)).rejects.toMatchObject({ code: "guard-conflict" });
    await expect(registry.save(second, record, 4)).rejects.toMatchObject({ code: "guard-locked" });
    await expect(registry.remove(first)).rejects.toMatchObject({ code: "guard-conflict" });
    expect(await registry.load("a")).toEqual(second);
  });

  it("lists all and a batch by id", async () => {
    const { registry } = await opened("c", "a");
    await registry.add(entry("b", "wave-2"), 0, 0);
    const ids = (list: readonly Loaded[]) => list.map(({ record }) => record.entry.clusterId);
    expect(ids(await registry.loadAll())).toEqual(["a", "b", "c"]);
    expect(ids(await registry.loadBatch("wave-1"))).toEqual(["a", "c"]);
  });

  /** Pauses and goes on, so that its history grows by two. */
  async function lived(registry: ReturnType<typeof createRegistry>, loaded: Loaded, rounds: number): Promise<Loaded> {
    let now = loaded;
    for (let round = 0; round < rounds; round += 1) {
      for (const event of ["person_needed", "resumed"] as const) {
        const moved = moveRecord(now.record, event, { at: round, by: "guard", note: `${round}` });
        if (moved.kind === "refused") throw new Error(moved.why);
        now = await registry.save(now, moved.record, 1);
      }
    }
    return now;
  }

  it("keeps the newest transitions in the item and loses none of the older ones", async () => {
    const { store, registry, loaded } = await opened("a");
    const [first] = loaded;
    if (first === undefined) throw new Error("none");
    const started = await registry.save(first, through(["started"]), 1);
    const last = await lived(registry, started, 60);
    expect(last.record.history).toHaveLength(historyLength);
    expect(last.record.archived).toBe(121 - historyLength);
    expect(store.calls("archive")).toBe(121 - historyLength);
    const all = await registry.history(last.record);
    expect(all).toHaveLength(121);
    expect(all[0]?.event).toBe("started");
    expect(all.slice(1).map(({ note }) => note)).toEqual(
      Array.from({ length: 120 }, (_, index) => String(Math.floor(index / 2))),
    );
  });

  it("loses none when a write fails or its reply is lost after the archive was written", async () => {
    const { store, registry, loaded } = await opened("a");
    const [first] = loaded;
    if (first === undefined) throw new Error("none");
    let now = await lived(registry, await registry.save(first, through(["started"]), 1), 20);
    for (let round = 0; round < 12; round += 1) {
      const event = now.record.state === "paused" ? "resumed" : "person_needed";
      const moved = moveRecord(now.record, event, { at: 100 + round, by: "guard" });
      if (moved.kind === "refused") throw new Error(moved.why);
      const fault = round % 3 === 0 ? "fail" : "lose-reply";
      store.interfere((call) => (call === "write" && round % 3 < 2 ? fault : undefined));
      await registry.save(now, moved.record, 1).catch(() => undefined);
      store.interfere(undefined);
      now = await registry.load("a");
    }
    const all = await registry.history(now.record);
    expect(all).toHaveLength(41 + 8);
    for (const [index, line] of all.entries()) if (index > 0) expect(line.from).toBe(all[index - 1]?.to);
  });

  it("archives nothing that was never stored", async () => {
    const { store, registry, loaded } = await opened("a");
    const [first] = loaded;
    if (first === undefined) throw new Error("none");
    let record = through(["started"]);
    for (let round = 0; round < 50; round += 1)
      for (const event of ["person_needed", "resumed"] as const) record = through([event], record);
    const saved = await registry.save(first, record, 1);
    expect(saved.record.history).toHaveLength(101);
    expect(store.calls("archive")).toBe(0);
    const next = await lived(registry, saved, 1);
    expect(next.record.history).toHaveLength(historyLength);
    expect(await registry.history(next.record)).toHaveLength(103);
  });

  it("goes on with the history of a cluster that comes again", async () => {
    const { registry, loaded } = await opened("a");
    const [first] = loaded;
    if (first === undefined) throw new Error("none");
    const last = await lived(registry, await registry.save(first, through(["started"]), 1), 30);
    await registry.remove(last);
    const again = await registry.add(entry("a"), 9, 2);
    expect(again.record).toEqual({ ...newRecord(entry("a"), 9), archived: 61 });
    const next = await registry.save(again, through(["started"], again.record), 2);
    const history = await registry.history(next.record);
    expect(history.map(({ event }) => event).filter((event) => event === "started")).toHaveLength(2);
    expect(history).toHaveLength(62);
  });

  it("has one of three rivals win each move, and none lost", async () => {
    const { registry, store } = await opened("a");
    const started = through(["started"]);
    await registry.save(await registry.load("a"), started, 0);
    const won: string[] = [];
    const rival = async (who: string): Promise<void> => {
      const own = createRegistry(store);
      for (let moves = 0; moves < 30; ) {
        const now = await own.load("a");
        const event = now.record.state === "paused" ? "resumed" : "person_needed";
        const note = `${who} ${moves}`;
        const moved = moveRecord(now.record, event, { at: 1, by: who, note });
        if (moved.kind === "refused") throw new Error(moved.why);
        if ((await own.write(now, moved.record, 0)).kind !== "written") continue;
        won.push(note);
        moves += 1;
      }
    };
    await Promise.all(["x", "y", "z"].map(rival));
    const last = await registry.load("a");
    expect(last.version).toBe(92);
    expect((await registry.history(last.record)).slice(1).map(({ note }) => note)).toEqual(won);
  });

  it("says the lock of a batch", () => {
    expect(batchLock("wave-1")).toBe("batch/wave-1");
  });
});

describe("what was read before", () => {
  it("is not read again as long as it is the same, and is as it is stored now", async () => {
    const store = simulateGuardStore();
    const [one, other] = [createRegistry(store), createRegistry(store)];
    const added = await one.add(entry("eu-1"), 1, 0);
    const [first] = await one.loadAll();
    const [again] = await one.loadBatch("wave-1");
    expect(again?.record).toBe(first?.record);
    const moved = moveRecord(added.record, "started", { at: 2, by: "ada" });
    if (moved.kind === "refused") throw new Error(moved.why);
    await other.save(added, moved.record, 0);
    expect(await one.load("eu-1")).toMatchObject({ version: 2, record: { state: "pre_check_running" } });
  });
});
