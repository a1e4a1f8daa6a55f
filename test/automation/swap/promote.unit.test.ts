import { describe, expect, it } from "vitest";
import type { SwapEvent } from "../../../automation/swap/state.ts";
import { SwapWorld } from "../../support/swap-world.ts";

const shares = (world: SwapWorld): readonly number[] => world.balancer.writes.map((weights) => weights["gke"] ?? 0);

describe("a whole ramp that a person let pass", () => {
  it("goes from where it is to 100 % in one step", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 1) world.ask("promote-full");
      },
    });
    expect(state.end?.as).toBe("completed");
    expect(shares(world)).toEqual([0, 1, 5, 100, 100]);
  });

  it("is taken back by itself all the same when the candidate is bad under the full load", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event, after) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 1) world.ask("promote-full");
        if (event.kind === "outcome" && after.phase === "shifting" && after.accepted?.["gke"] === 100)
          world.balancer.setSide("gke", { applicationErrors: 0.3 });
      },
    });
    expect(state.promotedFull).toBe(true);
    expect(state.end?.as).toBe("rolled-back");
    expect(state.end?.reason).toMatch(/^candidate-error/);
    expect(Math.max(...shares(world))).toBe(100);
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100 });
    expect(world.up).toEqual(["cloud-run"]);
  });

  it("is not begun by a candidate that the stop gate has found bad before", async () => {
    const world = new SwapWorld();
    world.balancer.setSide("gke", { applicationErrors: 0.5 });
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "returning") world.ask("promote-full");
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back" });
    expect(Math.max(...shares(world))).toBeLessThan(100);
  });
});

describe("a step that waits for a person's approval", () => {
  /** A swap that stops before 25 %, and what happens there. */
  async function waiting(act: (world: SwapWorld) => void) {
    const world = new SwapWorld({ swap: { approvals: [25] } });
    let paused: Extract<SwapEvent, { kind: "paused" }> | undefined;
    const state = await world.swap({
      onEvent(event) {
        if (event.kind !== "paused") return;
        paused = event;
        act(world);
      },
    });
    expect(paused).toMatchObject({ reason: "approval-needed", evidence: { share: 25 } });
    expect(Math.max(...shares(world)), "nothing above the step before").toBe(5);
    return { world, state };
  }

  it("goes back on abort, and the candidate stays", async () => {
    const { world, state } = await waiting((there) => there.ask("abort"));
    expect(state.end).toMatchObject({ as: "aborted", reason: "requested-abort" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100, gke: 0 });
    expect(world.up).toEqual(["cloud-run", "gke"]);
  });

  it("goes back by itself when the candidate turns bad, without waiting for anybody", async () => {
    const { world, state } = await waiting((there) => there.balancer.setSide("gke", { applicationErrors: 0.5 }));
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "candidate-errors" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100 });
    expect(world.events().some((event) => event.kind === "requested")).toBe(false);
  });
});

describe("the age of the candidate's instance", () => {
  const isStep = (event: SwapEvent): event is Extract<SwapEvent, { kind: "entered" }> =>
    event.kind === "entered" && event.phase === "shifting" && event.reason === "step-successful";
  const agesOf = (world: SwapWorld) =>
    world
      .events()
      .flatMap((event) => (isStep(event) ? [{ at: event.at, ageMs: event.evidence["candidateInstanceAgeMs"] }] : []));

  it("is in the evidence of each step, and rises as time goes by", async () => {
    // Few requests, so that the first steps take long.
    const world = new SwapWorld({ requestsPerSecond: 20 });
    await world.swap();
    const ages = agesOf(world);
    expect(ages).toHaveLength(4);
    for (const { ageMs } of ages) expect(ageMs).toEqual(expect.any(Number));
    const began = ages.map(({ at, ageMs }) => at - Number(ageMs));
    // Asked for every 10 s, so that it may be as old.
    expect(Math.max(...began) - Math.min(...began)).toBeLessThanOrEqual(11_000);
    expect(Number(ages.at(-1)?.ageMs)).toBeGreaterThan(Number(ages[0]?.ageMs));
  });

  it("is left out where nobody can say it, and no step waits for that", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting") world.agentsReachable = false;
      },
    });
    expect(state.end?.as).toBe("completed");
    expect(agesOf(world).map(({ ageMs }) => ageMs)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("is in what a rollback is for, too", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 2)
          world.balancer.setSide("gke", { applicationErrors: 0.5 });
      },
    });
    expect(state.rollback?.evidence["candidateInstanceAgeMs"]).toEqual(expect.any(Number));
  });
});
