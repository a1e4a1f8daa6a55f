/** What the stateless rules may and may not do to a swap. */
import { describe, expect, it } from "vitest";
import { onItsNode } from "../../../automation/drill/simulation/workloads.ts";
import { candidate } from "../../../automation/drill/simulation/world.ts";
import { type Acceptable, standingOf } from "../../../automation/swap/stateless-settings.ts";
import { SwapWorld } from "../../support/swap-world.ts";

const sticky = { terminationGracePeriodSeconds: 3_600 };
const watched = { swap: { bake: 60 }, complianceEveryMs: 10_000 };

const settings = (...accepted: readonly Acceptable[]) => ({ accepted: [...accepted], complianceEveryMs: 0 });

describe("a verdict", () => {
  it("lets a swap go on only when it is stateless, or what a person named", () => {
    expect(standingOf("stateless", settings())).toBe("good");
    expect(standingOf("cache-only", settings())).toBe("violation");
    expect(standingOf("session-bound", settings("cache-only"))).toBe("violation");
    expect(standingOf("session-bound", settings("session-bound"))).toBe("good");
    expect(standingOf("cache-only", settings("session-bound"))).toBe("good");
    expect(standingOf("cannot-tell", settings("session-bound"))).toBe("unclear");
    expect(standingOf("cannot-tell", settings("cannot-tell"))).toBe("good");
    expect(standingOf("stateful", settings("cache-only", "session-bound", "cannot-tell"))).toBe("violation");
    expect(standingOf("unreadable", settings("cannot-tell"))).toBe("unclear");
  });

  it("binds no swap that began before there were such rules", () => {
    expect(standingOf("stateful", undefined)).toBe("good");
  });
});

describe("a deploy that is not stateless", () => {
  it("takes no traffic: the swap goes back, and says which setting keeps the state", async () => {
    const world = new SwapWorld();
    world.workloads.declare(candidate, onItsNode);
    const state = await world.swap();
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "stateless-violation" });
    expect(state.rollback?.evidence["message"]).toContain("spec.template.spec.volumes[0]");
    expect(world.events().some(({ kind }) => kind === "verified")).toBe(false);
    expect(world.up).toEqual(["cloud-run"]);
  });

  it("goes on when it only leans on one instance and a person let that pass, as the journal's start says", async () => {
    const refused = new SwapWorld();
    refused.workloads.declare(candidate, sticky);
    expect((await refused.swap()).end?.reason).toBe("stateless-violation");

    const accepted = new SwapWorld({ accepted: ["session-bound"] });
    accepted.workloads.declare(candidate, sticky);
    expect((await accepted.swap()).end?.as).toBe("completed");
    expect(accepted.events()[0]).toMatchObject({ settings: { stateless: { accepted: ["session-bound"] } } });
  });

  it("is refused whatever a person accepts when it keeps state", async () => {
    const world = new SwapWorld({ accepted: ["cache-only", "session-bound", "cannot-tell"] });
    world.workloads.declare(candidate, onItsNode);
    expect((await world.swap()).end?.reason).toBe("stateless-violation");
  });
});

describe("what runs", () => {
  it("is looked at once when the bake begins, and then as often as it is set", async () => {
    const short = new SwapWorld();
    await short.swap();
    expect(short.workloads.looks).toBe(1);
    const long = new SwapWorld(watched);
    await long.swap();
    expect(long.workloads.looks).toBeGreaterThanOrEqual(5);
    expect(long.workloads.looks).toBeLessThanOrEqual(7);
  });

  it("is not looked at when that is switched off", async () => {
    const world = new SwapWorld({ complianceEveryMs: 0 });
    expect((await world.swap()).end?.as).toBe("completed");
    expect(world.workloads.looks).toBe(0);
  });

  it("pauses the swap when it has become stateful, with the finding; a person goes back", async () => {
    const world = new SwapWorld(watched);
    let asked = false;
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "baking")
          world.after(15_000, () => world.workloads.change(candidate, onItsNode));
        if (event.kind === "paused" && !asked) {
          asked = true;
          world.ask("rollback");
        }
      },
    });
    const paused = world.events().find(({ kind }) => kind === "paused");
    expect(paused).toMatchObject({
      reason: "stateless-violation",
      evidence: { verdict: "stateful", findings: 1, message: expect.stringContaining("volumes[0]") },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "requested-rollback" });
  });

  it("is not taken for good where it cannot be read: people are told once, and the bake does not pass", async () => {
    const world = new SwapWorld();
    world.workloads.failWith("connection refused");
    const state = await world.swap({
      onEvent(event) {
        if (event.kind !== "paused") return;
        expect(event).toMatchObject({ reason: "step-inconclusive" });
        world.workloads.failWith(undefined);
        world.ask("resume");
      },
    });
    const told = world.events().filter((event) => event.kind === "noticed" && event.reason === "compliance-unreadable");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ evidence: { message: expect.stringContaining("connection refused") } });
    expect(world.events().filter(({ kind }) => kind === "paused")).toHaveLength(1);
    expect(state.end?.as).toBe("completed");
  });

  it("pauses the swap in the rollback window, too", async () => {
    const world = new SwapWorld({ swap: { rollback_window: 120 }, complianceEveryMs: 10_000 });
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "retaining") world.workloads.change(candidate, onItsNode);
        if (event.kind === "paused") world.ask("rollback");
      },
    });
    expect(world.events().find(({ kind }) => kind === "paused")).toMatchObject({ reason: "stateless-violation" });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "requested-rollback" });
  });
});
