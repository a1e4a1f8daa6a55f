import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noneAhead } from "../../../../automation/guard/data-plane/ahead.ts";
import { Unreadable } from "../../../../automation/guard/facts/objects.ts";
import type { ClusterRecord, MergeRequestMark } from "../../../../automation/guard/registry/record.ts";
import { states } from "../../../../automation/guard/registry/state.ts";
import type { BatchView, Effect } from "../../../../automation/guard/run/decide.ts";
import { driveBatch, type LoopOptions } from "../../../../automation/guard/run/loop.ts";
import * as outcomes from "../../../../automation/guard/run/outcomes.ts";
import { requestOf } from "../../../../automation/guard/run/step.ts";
import { epoch, moved, planOf, recordOf, settings } from "./batch.ts";

type Outcome = outcomes.Outcome;

/** What the world answers; each may be drawn. */
interface World {
  check(cluster: string): outcomes.Checked;
  look(clusters: readonly string[]): outcomes.Looked;
  prove(cluster: string): outcomes.Proof;
  judge(cluster: string, gate: string): outcomes.Judged;
  restart(cluster: string): outcomes.Restarted;
  /** Whether there is anything to write; default there is. */
  open?(rollback: boolean): "made" | "nothing" | "refused";
}

const well: World = {
  check: () => ({ kind: "passed", baseline: "base-1" }),
  look: () => ({ kind: "merged", landed: "c0ffee", mergedAt: epoch }),
  prove: () => ({ kind: "proven" }),
  judge: () => ({ kind: "passed", why: "within limits" }),
  restart: () => ({ kind: "done", rest: [] }),
};

const mark = (iid: number): MergeRequestMark => ({
  repository: "mesh/fleet",
  branch: `guard/${iid}`,
  iid,
  url: `https://gitlab.example.com/${iid}`,
  base: "b",
  commit: "c",
});

function run(
  start: readonly ClusterRecord[],
  plan: ReturnType<typeof planOf>,
  world: World,
  until: LoopOptions["until"] = "end",
  given: Parameters<typeof settings>[0] = {},
) {
  let time = epoch;
  const store = new Map(start.map((record) => [record.entry.clusterId, { record, version: 1 }]));
  const effects: Effect[] = [];
  const opened: (readonly string[])[] = [];
  const one = (view: BatchView, cluster: string): ClusterRecord => {
    const found = view.clusters.find(({ entry }) => entry.clusterId === cluster);
    if (found === undefined) throw new Error(cluster);
    return found;
  };
  const joined = (all: readonly Outcome[]): Outcome => ({
    moves: all.flatMap(({ moves }) => moves),
    waits: all.flatMap(({ waits }) => waits),
  });
  const carryOut = async (effect: Effect, view: BatchView): Promise<Outcome> => {
    effects.push(effect);
    if (effects.length > 5_000) throw new Error("it never ends");
    const each = "clusters" in effect ? effect.clusters : [effect.cluster];
    const records = each.map((cluster) => one(view, cluster));
    switch (effect.kind) {
      case "check":
        return joined(records.map((record) => outcomes.afterCheck(record, world.check(effect.cluster), view.now)));
      case "open-merge-request":
        opened.push(effect.clusters);
        switch (world.open?.(false)) {
          case "nothing":
            return joined(records.map((record) => outcomes.afterNothingToWrite(record, "head", view)));
          case "refused":
            return joined(records.map((record) => outcomes.afterProblem(record, "a file is broken")));
          default:
            return joined(records.map((record) => outcomes.afterOpening(record, mark(opened.length), "edits-1")));
        }
      case "look-merge-request": {
        const looked = world.look(effect.clusters);
        return joined(records.map((record) => outcomes.afterLooking(record, looked, view)));
      }
      case "prove":
        return joined(records.map((record) => outcomes.afterProof(record, world.prove(effect.cluster), view)));
      case "judge":
        return joined(
          records.map((record) =>
            outcomes.afterJudgement(record, effect.gate, effect.ended, world.judge(effect.cluster, effect.gate), view),
          ),
        );
      case "restart":
        return joined(records.map((record) => outcomes.afterRestart(record, world.restart(effect.cluster), view)));
      case "open-rollback":
        if (world.open?.(true) === "nothing")
          return joined(records.map((record) => outcomes.afterNothingToTakeBack(record, "head", view)));
        return joined(records.map((record) => outcomes.afterRollbackOpened(record, mark(100))));
      case "look-rollback":
        return joined(
          records.map((record) =>
            outcomes.afterRollbackLook(record, { kind: "merged", landed: "dead", mergedAt: view.now }),
          ),
        );
      case "prove-rollback":
        return joined(
          records.map((record) =>
            outcomes.afterRollbackProof(record, { kind: "proven" }, noneAhead, undefined, {}, view),
          ),
        );
    }
  };
  return driveBatch(
    {
      load: async () => [...store.values()],
      write: async (held, move) => {
        const now = store.get(move.cluster);
        if (now === undefined || now.version !== held.version) return undefined;
        const next = { record: moved(held.record, move, time), version: held.version + 1 };
        store.set(move.cluster, next);
        return next;
      },
      carryOut,
      clock: {
        wall: () => time,
        sleep: async (ms) => {
          time += ms;
        },
      },
    },
    { plan, settings: settings(given), until, signal: new AbortController().signal },
  ).then((end) => ({ ...end, effects, opened, took: time - epoch }));
}

const eventsOf = ({ history }: ClusterRecord): readonly string[] => history.map(({ event }) => event);
const statesOf = (clusters: readonly ClusterRecord[]): readonly string[] => clusters.map(({ state }) => state);

describe("a batch in place", () => {
  const names = ["eu-1", "eu-2"];

  it("given everything is well, one merge request goes through both soaks to the new version", async () => {
    const plan = planOf(names);
    const end = await run(
      names.map((name) => recordOf(plan, name)),
      plan,
      well,
    );
    expect(statesOf(end.clusters)).toEqual(["upgraded", "upgraded"]);
    expect(end.opened).toEqual([["eu-1", "eu-2"]]);
    expect(eventsOf(end.clusters[0] as ClusterRecord)).toEqual([
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
    ]);
    // Both soaks, in looks of half a minute.
    expect(end.took).toBe((15 + 60) * 60_000);
  });

  it("given the order is not proven, three merge requests follow each other, the gateways' after the workloads", async () => {
    const plan = planOf(names, { stepwise: true });
    const end = await run(
      names.map((name) => recordOf(plan, name)),
      plan,
      well,
    );
    expect(statesOf(end.clusters)).toEqual(["upgraded", "upgraded"]);
    expect(end.opened).toHaveLength(3);
    const events = eventsOf(end.clusters[0] as ClusterRecord);
    expect(events.filter((event) => event === "next_step_due")).toHaveLength(2);
    expect(events.filter((event) => event === "data_plane_moved")).toHaveLength(2);
    expect(end.took).toBe((15 + 60) * 60_000);
  });

  it("given one cluster does not pass its checks, no merge request is opened", async () => {
    const plan = planOf(names);
    const end = await run(
      names.map((name) => recordOf(plan, name)),
      plan,
      {
        ...well,
        check: (cluster) => (cluster === "eu-2" ? { kind: "refused", why: "G03 skew" } : well.check(cluster)),
      },
    );
    expect(statesOf(end.clusters)).toEqual(["pre_check_failed", "pre_check_failed"]);
    expect(end.opened).toEqual([]);
    expect(end.clusters[0]?.run?.note).toBe("eu-2 did not pass its checks");
  });

  it("given a gate fails on one cluster, the whole batch goes back by one merge request", async () => {
    const plan = planOf(names);
    const end = await run(
      names.map((name) => recordOf(plan, name)),
      plan,
      {
        ...well,
        judge: (cluster) => (cluster === "eu-2" ? { kind: "failed", why: "p99 +20 %" } : well.judge(cluster, "")),
      },
    );
    expect(statesOf(end.clusters)).toEqual(["rollback_completed", "rollback_completed"]);
    expect(end.effects.filter(({ kind }) => kind === "open-rollback")).toEqual([
      { kind: "open-rollback", clusters: ["eu-1", "eu-2"] },
    ]);
    expect(end.clusters[0]?.run?.rollback?.reason).toBe("eu-2 has to go back: p99 +20 %");
  });

  it("given nobody merges, the run stops at the open merge request, and monitor checks again when the results are old", async () => {
    const plan = planOf(names);
    const start = names.map((name) => recordOf(plan, name));
    const waiting: World = { ...well, look: () => ({ kind: "open", waitsFor: "waits for approval" }) };
    const first = await run(start, plan, waiting, "merge-request");
    expect(statesOf(first.clusters)).toEqual(["mr_created", "mr_created"]);
    let looks = 0;
    const later = await run(first.clusters, plan, {
      ...waiting,
      look: () => (++looks > 130 ? { kind: "closed" } : waiting.look([])),
    });
    const events = eventsOf(later.clusters[0] as ClusterRecord);
    expect(events).toContain("checks_expired");
    expect(events.at(-1)).toBe("mr_closed");
    expect(statesOf(later.clusters)).toEqual(["paused", "paused"]);
  });

  it.each(["control-plane", "data-plane"])(
    "given gate %s stays undecided, the soak extends once and then asks a person",
    async (gate) => {
      const plan = planOf(["eu-1"]);
      const end = await run([recordOf(plan, "eu-1")], plan, {
        ...well,
        judge: (_, which) => (which === gate ? { kind: "undecided", why: "no samples" } : { kind: "passed", why: "" }),
      });
      expect(statesOf(end.clusters)).toEqual(["paused"]);
      const events = eventsOf(end.clusters[0] as ClusterRecord);
      expect(events.filter((event) => event === "soak_extended")).toHaveLength(1);
      expect(end.clusters[0]?.run?.note).toContain("undecided after an extended soak");
      expect(end.took).toBe((gate === "control-plane" ? 30 : 15 + 120) * 60_000);
    },
  );

  it("given an object of a cluster cannot be read, that cluster waits, and the others go on", async () => {
    const plan = planOf(names);
    let broken = 3;
    const prove: World["prove"] = (cluster) => {
      if (cluster === "eu-1" && broken > 0) {
        broken -= 1;
        throw new Unreadable("HelmRelease istiod has no status");
      }
      return { kind: "proven" };
    };
    const { clusters } = await run(
      names.map((name) => recordOf(plan, name)),
      plan,
      { ...well, prove },
    );
    expect(broken).toBe(0);
    expect(statesOf(clusters)).toEqual(["upgraded", "upgraded"]);
  });

  it("given Flux never applies the commit, it goes back after flux_sync_timeout", async () => {
    const plan = planOf(["eu-1"]);
    const end = await run([recordOf(plan, "eu-1")], plan, {
      ...well,
      prove: () => ({ kind: "waiting", why: "the source is at another commit", fetched: false }),
    });
    expect(statesOf(end.clusters)).toEqual(["rollback_completed"]);
    expect(end.clusters[0]?.run?.rollback?.reason).toContain("not applied in time");
  });
});

describe("a batch by revision", () => {
  it("given everything is well, each share restarts and soaks before the next, and the old revision is held", async () => {
    const plan = planOf(["eu-1"], { strategy: "revision" });
    const end = await run([recordOf(plan, "eu-1")], plan, well);
    expect(statesOf(end.clusters)).toEqual(["upgraded"]);
    expect(end.opened).toHaveLength(10);
    const day = 86_400_000;
    expect(end.took).toBeGreaterThanOrEqual(2.9 * day);
    expect(end.took).toBeLessThan(3.5 * day);
  });
});

describe("whatever the world answers", () => {
  it("nothing moves that the table forbids, no merge request opens before all passed, and it ends at rest or with a person", async () => {
    const names = ["a", "b", "c"];
    const pick = <T>(...all: readonly T[]) => fc.constantFrom(...all);
    await fc.assert(
      fc.asyncProperty(
        pick("in-place", "revision") as fc.Arbitrary<"in-place" | "revision">,
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
        async (strategy, stepwise, draws) => {
          const plan = planOf(names, { strategy, stepwise });
          const draw = (): number => draws.next().value;
          const rare = <T>(usual: T, ...others: readonly T[]): T => {
            const n = draw();
            return n < 92 ? usual : (others[n % others.length] ?? usual);
          };
          const end = await run(
            names.map((name) => recordOf(plan, name)),
            plan,
            {
              open: () => rare<"made" | "nothing" | "refused">("made", "nothing", "refused"),
              check: () => rare<outcomes.Checked>(well.check(""), { kind: "refused", why: "no" }),
              look: () =>
                rare<outcomes.Looked>(
                  { kind: "merged", landed: "l", mergedAt: epoch },
                  { kind: "closed" },
                  { kind: "changed", how: "edited" },
                  { kind: "open", waitsFor: "waits" },
                ),
              prove: () =>
                rare<outcomes.Proof>(
                  { kind: "proven" },
                  { kind: "failed", why: "stalled" },
                  { kind: "person", why: "suspended" },
                  { kind: "waiting", why: "not yet", fetched: true },
                ),
              judge: () =>
                rare<outcomes.Judged>(
                  { kind: "passed", why: "" },
                  { kind: "failed", why: "p99" },
                  { kind: "undecided", why: "?" },
                ),
              restart: () =>
                rare<outcomes.Restarted>(
                  { kind: "done", rest: [] },
                  { kind: "failed", why: "not ready" },
                  { kind: "going", why: "wave 1" },
                  { kind: "restarted", workloads: ["Deployment shop/cart"] },
                ),
            },
          );
          for (const { state } of end.clusters)
            expect(states[state].resting || state === "paused" || state === "pre_check_passed").toBe(true);
          // One that waits at its gate waits for a sibling that a person has to see to.
          if (statesOf(end.clusters).includes("pre_check_passed")) expect(statesOf(end.clusters)).toContain("paused");
          // A batch moves as one: nobody is upgraded beside one that went back.
          const all = statesOf(end.clusters);
          expect(all.includes("upgraded") && all.includes("rollback_completed")).toBe(false);
          for (const record of end.clusters)
            if (record.state === "upgraded") expect(requestOf(plan, record)).toBeDefined();
        },
      ),
      { numRuns: 300 },
    );
  });
});
