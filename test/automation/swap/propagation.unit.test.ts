import { describe, expect, it } from "vitest";
import { measuredPropagationMs } from "../../../automation/swap/propagation.ts";
import type { SwapEvent } from "../../../automation/swap/state.ts";
import { SwapWorld } from "../../support/swap-world.ts";

const write = (at: number): SwapEvent => ({
  kind: "intent",
  at,
  effect: { kind: "write-weights", weights: { gke: 5 } },
});
const accepted = (at: number, ok = true, found = false): SwapEvent => ({
  kind: "outcome",
  at,
  ok,
  found,
  durationMs: 1,
  facts: {},
});
const verified = (at: number, samples?: number): SwapEvent => ({
  kind: "verified",
  at,
  since: 0,
  weight: 5,
  evidence: samples === undefined ? {} : { samples },
});
const engine = (at: number): SwapEvent => ({ kind: "engine", at, pid: 1, host: "here", feed: "test" });

describe("the propagation that earlier swaps measured", () => {
  it("is the median from accepted to verified, without the probing", () => {
    const journal = [
      write(0),
      accepted(1_000),
      verified(12_000, 1_000),
      write(20_000),
      accepted(20_000),
      verified(51_000, 1_000),
    ];
    expect(measuredPropagationMs([journal], 1_000)).toBe(20_000);
    expect(measuredPropagationMs([journal, [write(0), accepted(0), verified(6_000, 1_000)]], 1_000)).toBe(10_000);
  });

  it("is never below zero, however quick the probes were", () => {
    expect(measuredPropagationMs([[write(0), accepted(0), verified(500, 1_000)]], 1_000)).toBe(0);
  });

  it("leaves out writes that failed or were found done, and what another process verified", () => {
    expect(measuredPropagationMs([[write(0), accepted(1, false), verified(9_000)]], 1_000)).toBeUndefined();
    expect(measuredPropagationMs([[write(0), accepted(1, true, true), verified(9_000)]], 1_000)).toBeUndefined();
    expect(measuredPropagationMs([[write(0), accepted(1), engine(2), verified(9_000)]], 1_000)).toBeUndefined();
    const deploy: SwapEvent = { kind: "intent", at: 0, effect: { kind: "deploy", platform: "gke", image: "kiro@1" } };
    expect(measuredPropagationMs([[deploy, accepted(1), verified(9_000)]], 1_000)).toBeUndefined();
  });

  it("is unknown without a journal", () => {
    expect(measuredPropagationMs([], 1_000)).toBeUndefined();
  });

  it("is what a whole swap went through", async () => {
    const world = new SwapWorld({ propagationDelayMs: 45_000 });
    expect((await world.swap()).end?.as).toBe("completed");
    const measured = measuredPropagationMs([world.events()], 1_000);
    expect(measured).toBeGreaterThan(40_000);
    expect(measured).toBeLessThan(50_000);
  });
});
