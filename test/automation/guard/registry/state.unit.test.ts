import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EventName,
  eventsFrom,
  type Standing,
  states,
  transition,
} from "../../../../automation/guard/registry/state.ts";
import { moves } from "../../../../automation/guard/registry/state-moves.ts";
import { type GuardState, guardStates, originalNames } from "../../../../automation/guard/registry/state-names.ts";
import { checkout } from "../../../support/cli.ts";

const events = [...new Set<EventName>(moves.map(({ event }) => event))];

const next = (standing: Standing, event: EventName): Standing | undefined => {
  const result = transition(standing, event);
  return result.kind === "moved" ? result.standing : undefined;
};

/** States that can be reached from one, by any events. */
function reach(from: GuardState): ReadonlySet<GuardState> {
  const seen = new Map<string, Standing>();
  const open: Standing[] = [{ state: from, ...(from === "paused" ? { pausedFrom: "mr_created" as const } : {}) }];
  for (let standing = open.pop(); standing !== undefined; standing = open.pop()) {
    const key = `${standing.state} ${standing.pausedFrom ?? ""}`;
    if (seen.has(key)) continue;
    seen.set(key, standing);
    for (const event of events) {
      const after = next(standing, event);
      if (after !== undefined) open.push(after);
    }
  }
  return new Set([...seen.values()].map(({ state }) => state));
}

const play = (start: GuardState, path: readonly EventName[]): Standing =>
  path.reduce<Standing>(
    (standing, event) => {
      const after = next(standing, event);
      if (after === undefined) throw new Error(`${event} is refused in ${standing.state}`);
      return after;
    },
    { state: start },
  );

describe("the state table", () => {
  test("has every state that the requirement names", () => {
    expect(guardStates).toEqual(
      expect.arrayContaining([
        ...["healthy", "pre_check_running", "pre_check_passed", "mr_created", "mr_merged", "upgrading", "validating"],
        ...["upgraded", "rollback_needed", "rollback_mr_created", "rollback_completed"],
        ...["flux_synced", "soaking_control_plane", "restarting_data_plane", "soaking_data_plane"],
        ...["paused", "abandoned", "pending", "pre_check_failed"],
      ]),
    );
  });

  test("is connected: every state is reached from pending, and healthy from every state", () => {
    expect([...reach("pending")].toSorted()).toEqual(guardStates.toSorted());
    for (const state of guardStates) expect(reach(state), state).toContain("healthy");
  });

  test("every state that is not at rest has a way out on failure, to a person, a rollback or rest", () => {
    for (const state of guardStates) {
      const { resting, onFailure } = states[state];
      expect(onFailure === undefined, state).toBe(resting);
      if (onFailure === undefined) continue;
      const after = next({ state }, onFailure)?.state;
      expect(after, state).toBeDefined();
      expect(["paused", "rollback_needed", "pre_check_failed", "abandoned"], state).toContain(after);
    }
  });

  test("no event leads from one state to two", () => {
    const pairs = moves.flatMap(({ event, from }) => from.map((state) => `${event} ${state}`));
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  test("from everything that was merged a rollback can be asked for", () => {
    const merged = guardStates.filter((state) => reach("mr_merged").has(state) && !states[state].resting);
    const without = merged.filter((state) => !eventsFrom(state).includes("rollback_asked"));
    // In the rollback itself there is nothing more to ask for.
    expect(without.toSorted()).toEqual(["rollback_mr_created", "rollback_mr_merged", "rollback_needed"]);
  });

  test("the original's names are all known", () => {
    expect(Object.values(originalNames).filter((name) => !guardStates.includes(name))).toEqual([]);
    expect(originalNames["post-check-running"]).toBe("validating");
  });

  test("is what the document says", async () => {
    const page = await readFile(join(checkout, "docs/guard-states.md"), "utf8");
    const [, , changes = ""] = page.split("\n## ");
    const rows = changes.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows).toHaveLength(moves.length);
    for (const { event, from } of moves)
      expect(
        rows.some((row) => row.startsWith(`| \`${event}\` | ${from.map((one) => `\`${one}\``).join(", ")} |`)),
      ).toBe(true);
  });
});

describe("transition", () => {
  test("plays a hop in place", () => {
    expect(
      play("healthy", [
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
        "settled",
      ]),
    ).toEqual({ state: "healthy" });
  });

  test("plays a failed gate back to healthy", () => {
    const path: readonly EventName[] = [
      "gate_failed",
      "rollback_mr_opened",
      "rollback_mr_merged",
      "rolled_back",
      "settled",
    ];
    expect(play("soaking_data_plane", path)).toEqual({ state: "healthy" });
  });

  test("a pause remembers where it was, and goes on there", () => {
    const paused = play("soaking_control_plane", ["person_needed"]);
    expect(paused).toEqual({ state: "paused", pausedFrom: "soaking_control_plane" });
    expect(next(paused, "resumed")).toEqual({ state: "soaking_control_plane" });
    expect(next(paused, "retried")).toEqual({ state: "pre_check_running" });
  });

  test("says what it refuses and what is possible", () => {
    expect(transition({ state: "healthy" }, "mr_merged")).toEqual({
      kind: "refused",
      why: "mr_merged cannot happen to a cluster that is healthy",
      possible: ["started", "retried"],
    });
  });

  test("does not resume into a state that is lost or was never one to pause in", () => {
    expect(transition({ state: "paused" }, "resumed")).toMatchObject({ kind: "refused" });
    expect(transition({ state: "paused", pausedFrom: "upgraded" }, "resumed")).toMatchObject({
      kind: "refused",
      why: "the state from which it was paused is upgraded",
    });
  });

  test("no events at all lead past a merge request without a person's merge", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (path) => {
        let standing: Standing = { state: "pending" };
        let merged = false;
        for (const event of path) {
          const after = next(standing, event);
          if (after === undefined) continue;
          if (event === "mr_merged") merged = true;
          standing = after;
          if (["upgrading", "flux_synced", "restarting_data_plane", "upgraded"].includes(standing.state))
            expect(merged).toBe(true);
        }
      }),
    );
  });
});
