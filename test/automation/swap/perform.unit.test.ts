import { describe, expect, it } from "vitest";
import type { ProbeResult } from "../../../automation/ports/prober.ts";
import { SwapWorld } from "../../support/swap-world.ts";

const probe = (side: string, status = 200): ProbeResult => ({ side, status, durationMs: 5 });

/** So many of a look's answers come from the candidate, of which so many fail. */
function answers(count: number, own: number, failed = 0, status = 503): readonly ProbeResult[] {
  return Array.from({ length: count }, (_, index) =>
    index < own ? probe("gke", index < failed ? status : 200) : probe("cloud-run"),
  );
}

/** A world whose rehearsal host answers like that, look by look; then a swap that has ended. */
async function rehearsed(look: (count: number, looks: number, world: SwapWorld) => readonly ProbeResult[], swap = {}) {
  const world = new SwapWorld({ swap });
  const lookedAt: number[] = [];
  world.rehearse = async (count) => {
    lookedAt.push(world.clock.now());
    return look(count, lookedAt.length, world);
  };
  const state = await world.swap();
  const outcomes = world.events().filter((event) => event.kind === "outcome");
  return { world, state, lookedAt, outcomes };
}

const neverServed = (world: SwapWorld): boolean =>
  world.balancer.writes.every((weights) => (weights["gke"] ?? 0) === 0);

describe("the rehearsal host, before any user's request", () => {
  it("lets a candidate pass that answers its half, and the journal has how many answers were its own", async () => {
    const { state, outcomes } = await rehearsed((count) => answers(count, count / 2));
    expect(state.end?.as).toBe("completed");
    expect(outcomes.find(({ facts }) => "rehearsed" in facts)?.facts).toMatchObject({ rehearsed: 100, operations: 4 });
  });

  it.each([
    [503, "11 of 100 requests to the rehearsal host that went to gke failed (503)"],
    [0, "11 of 100 requests to the rehearsal host that went to gke failed (0)"],
  ])("stops a candidate whose answers fail there with status %d, at once each time", async (status, message) => {
    const { world, state, lookedAt, outcomes } = await rehearsed((count) => answers(count, count / 2, 11, status));
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "acceptance-failed" });
    expect(neverServed(world)).toBe(true);
    const failures = outcomes.filter(({ ok }) => !ok);
    expect(failures.map(({ failure }) => failure)).toEqual(Array(3).fill({ code: "acceptance-failed", message }));
    // No second look within an attempt.
    expect(lookedAt).toHaveLength(3);
  });

  it("does not stop one that fails as often as rollback_threshold allows, or once: that is for the gates", async () => {
    for (const [failed, threshold] of [
      [5, 0.05],
      [1, 0.0051],
    ] as const) {
      const gates = { early_margin: threshold, late_margin: threshold, base_error_rate: threshold / 10 };
      const { state } = await rehearsed((count) => answers(count, count / 2, failed), {
        rollback_threshold: threshold,
        gates,
      });
      expect(state.end?.as, `${failed} failed`).toBe("completed");
    }
    const { state } = await rehearsed((count) => answers(count, count / 2, 6));
    expect(state.end?.reason).toBe("acceptance-failed");
  });

  it("looks again while a part of the data plane has no entry yet, and goes on when it has", async () => {
    const { state, lookedAt, outcomes } = await rehearsed((count, looks) => answers(count, looks < 4 ? 0 : count / 2));
    expect(state.end?.as).toBe("completed");
    expect(lookedAt).toHaveLength(4);
    expect((lookedAt[1] ?? 0) - (lookedAt[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each([38, 62])("stops a candidate that never answers its half (%d %% of a look)", async (percent) => {
    const { world, state, lookedAt, outcomes } = await rehearsed((count) => answers(count, (count * percent) / 100));
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "acceptance-failed" });
    expect(neverServed(world)).toBe(true);
    expect(outcomes.find(({ ok }) => !ok)?.failure).toEqual({
      code: "acceptance-failed",
      message: `${percent * 2} of 200 requests to the rehearsal host went to gke; it should be half of them`,
    });
    // As long as a step may take, not longer.
    const first = outcomes.find(({ ok }) => !ok);
    expect(first?.durationMs).toBeGreaterThanOrEqual(120_000);
    expect(first?.durationMs).toBeLessThan(125_000);
    expect(lookedAt.length).toBeGreaterThan(100);
  });

  it("stops it too when nothing answers there at all", async () => {
    const { state } = await rehearsed(() => []);
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "acceptance-failed" });
  });
});

describe("an acceptance suite that was passed", () => {
  const suitesAfterApproval = async (waitMs: number) => {
    const world = new SwapWorld({ swap: { approvals: [1] } });
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "paused") world.after(waitMs, () => world.ask("promote"));
      },
    });
    const events = world.events();
    const isAccept = (event: (typeof events)[number]) => event.kind === "intent" && event.effect.kind === "accept";
    const first = events.findIndex((event) => event.kind === "entered" && event.phase === "shifting");
    return { state, before: events.slice(0, first).filter(isAccept), all: events.filter(isAccept) };
  };

  it("holds for a minute", async () => {
    const { state, all } = await suitesAfterApproval(40_000);
    expect(state.end?.as).toBe("completed");
    expect(all).toHaveLength(1);
  });

  it("is run again before the first user's request when a person took longer", async () => {
    const { state, before, all } = await suitesAfterApproval(90_000);
    expect(state.end?.as).toBe("completed");
    expect(before).toHaveLength(2);
    expect(all).toHaveLength(2);
  });

  it("counts no more when the candidate fell ill meanwhile: it gets no user's request", async () => {
    const world = new SwapWorld({ swap: { approvals: [1] } });
    let failed = 0;
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "outcome" && !event.ok) failed += 1;
        // It would be tried for ever.
        if (failed > 10) world.ask("abort");
        if (event.kind !== "paused") return;
        world.agentStatus = 500;
        world.after(90_000, () => world.ask("promote"));
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "acceptance-failed" });
    expect(failed).toBe(3);
    expect(neverServed(world)).toBe(true);
  });
});
