import { describe, expect, it } from "vitest";
import { assertPossible, finish } from "../../../automation/cli/swap-outcome.ts";
import { standing } from "../../../automation/cli/swap-standing.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { startState } from "../../../automation/swap/fold.ts";
import type { Reason } from "../../../automation/swap/reasons.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat, type Phase, phases, type SwapState, type Verb } from "../../../automation/swap/state.ts";

const startedAt = Date.parse("2026-11-20T12:00:00Z");

function swap(config: Readonly<Record<string, unknown>> = {}, overrides: Partial<SwapState> = {}): SwapState {
  const state = startState({
    kind: "started",
    format: journalFormat,
    at: startedAt,
    id: "7",
    mode: "swap",
    environment: "prod",
    from: "cloud-run",
    to: "gke",
    image: "kiro@1",
    settings: toSwapSettings(hotSwapConfig.parse(config), platformConfig.parse({})),
    by: "tester",
  });
  return { ...state, ...overrides };
}

const paused = (reason: Reason) => ({ paused: { reason, at: startedAt } });

function refusal(verb: Verb, state: SwapState): SwitchyardError | undefined {
  try {
    assertPossible(verb, state);
    return undefined;
  } catch (error) {
    if (error instanceof SwitchyardError) return error;
    throw error;
  }
}

/** The phases in which a wish is taken. */
function takenIn(verb: Verb): readonly Phase[] {
  return phases.filter((phase) => refusal(verb, swap({}, { phase })) === undefined);
}

describe("a wish", () => {
  it.each<[Verb, readonly Phase[]]>([
    ["promote", ["shifting", "baking"]],
    ["promote-full", ["deploying", "attaching", "adding-entry", "holding", "accepting", "shifting"]],
    ["extend-bake", ["baking", "retaining"]],
    ["decommission", ["retaining"]],
    ["pause", phases],
    ["resume", phases],
  ])("to %s is taken in these phases, and refused in all others", (verb, allowed) => {
    expect(takenIn(verb)).toEqual(allowed);
  });

  it("to go back is refused only while the old side is being removed", () => {
    const refused = phases.filter((phase) => refusal("abort", swap({}, { phase, done: true })) !== undefined);
    expect(refused).toEqual(["removing-entry", "detaching", "removing", "releasing"]);
  });

  it("to promote is approval for a step that waits, also for the first one", () => {
    expect(refusal("promote", swap({}, { phase: "accepting", ...paused("approval-needed") }))).toBeUndefined();
  });

  it("to promote a failover in full is refused: it has no ramp", () => {
    expect(refusal("promote-full", swap({}, { phase: "shifting", mode: "failover" }))?.code).toBe(
      "swap-not-promotable",
    );
  });

  it("that is refused is told what to do instead, with the exact command", () => {
    const baking = refusal("decommission", swap({}, { phase: "baking" }));
    expect(baking?.code).toBe("swap-no-rollback-window");
    expect(baking?.message).toContain("Swap 7 is in no rollback window: baking");
    expect(baking?.next).toContain("To end the bake:   npx switchyard swap promote --env prod");
    const retaining = refusal("promote", swap({}, { phase: "retaining" }));
    expect(retaining?.next).toContain("To end the rollback window:   npx switchyard swap decommission --env prod");
    const failed = refusal("extend-bake", swap({}, { phase: "deploying", ...paused("deployment-failed") }));
    expect(failed?.code).toBe("swap-not-baking");
    expect(failed?.next).toContain("To try again:   npx switchyard swap retry --env prod");
  });
});

describe("a swap that waits for approval", () => {
  it("says which step waits and how to let it begin", () => {
    const state = swap({ approvals: [25] }, { phase: "shifting", step: 1, ...paused("approval-needed") });
    try {
      finish(state, undefined);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      expect(error.code).toBe("swap-paused");
      expect(error.next[0]).toBe("To let the step of 25 % begin:   npx switchyard swap promote --env prod");
    }
    expect(standing(state, startedAt).waitsForApproval).toBe(25);
  });
});

describe("what an open swap waits for", () => {
  const nothing = {
    waitsForApproval: undefined,
    bakeEndsAt: undefined,
    rollbackWindowEndsAt: undefined,
    frozen: undefined,
  };

  it("is nothing particular in the middle of its ramp", () => {
    expect(standing(swap({}, { phase: "shifting", step: 1 }), startedAt)).toEqual(nothing);
  });

  it("is the end of the bake, with what was added to it", () => {
    const state = swap({ bake: 600 }, { phase: "baking", phaseSince: startedAt, bakeExtensionMs: 60_000 });
    expect(standing(state, startedAt)).toEqual({ ...nothing, bakeEndsAt: "2026-11-20T12:11:00.000Z" });
  });

  it("is the end of the rollback window, with what was added to it", () => {
    const state = swap(
      { rollback_window: 3_600 },
      { phase: "retaining", phaseSince: startedAt, windowExtensionMs: 1_800_000 },
    );
    expect(standing(state, startedAt)).toEqual({ ...nothing, rollbackWindowEndsAt: "2026-11-20T13:30:00.000Z" });
  });

  it("is the end of a freeze, which holds nothing up that goes back or is over", () => {
    const freeze = [{ name: "sale", from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z" }];
    const frozen = { name: "sale", until: "2026-11-21T00:00:00.000Z" };
    expect(standing(swap({ freeze }), startedAt).frozen).toEqual(frozen);
    expect(standing(swap({ freeze }), startedAt + 86_400_000).frozen).toBeUndefined();
    const rollback = { reason: "requested-abort", evidence: {}, decidedAt: startedAt } as const;
    expect(standing(swap({ freeze }, { rollback }), startedAt).frozen).toBeUndefined();
    const end = { as: "completed", reason: "platform-removed", at: startedAt } as const;
    expect(standing(swap({ freeze }, { end }), startedAt).frozen).toBeUndefined();
  });
});
