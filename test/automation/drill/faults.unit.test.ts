import { describe, expect, it } from "vitest";
import { playFault } from "../../../automation/drill/fault-campaign.ts";
import { balancerFaults } from "../../../automation/drill/faults/balancer.ts";
import { candidateFaults } from "../../../automation/drill/faults/candidate.ts";
import { faults } from "../../../automation/drill/faults.ts";

describe("the table of faults", () => {
  it("has no name twice", () => {
    const names = faults.map((fault) => fault.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("plays a fault the same way for the same seed", async () => {
    const fault = faults.find(({ name }) => name === "dies-at-25-percent");
    if (fault === undefined) throw new Error("the table has lost a fault");
    expect(await playFault(fault, 7)).toEqual(await playFault(fault, 7));
  });

  it("finds a swap that removes the old side while workers still fall back to it", async () => {
    const fault = balancerFaults.find(({ name }) => name === "propagation-out-of-order-60-s");
    if (fault === undefined) throw new Error("the table has lost a fault");
    const row = await playFault({ ...fault, world: { ...fault.world, swap: { propagation: 0 } } }, 1);
    expect(row.swapCaused).toBeGreaterThan(100);
    expect(row.problems.join()).toContain("old-side-only-removed-when-no-worker-can-go-back");
  });

  it("reports a fault that was not what was expected, in sentences", async () => {
    const fault = candidateFaults.find(({ name }) => name === "candidate-dead");
    if (fault === undefined) throw new Error("the table has lost a fault");
    const row = await playFault({ ...fault, expected: { ends: "completed" } }, 1);
    expect(row.ok).toBe(false);
    expect(row.problems).toContain("it ended as rolled-back, not as completed");
    expect(row.problems).toContain(`requests hurt: ${row.hurt}, at most 0`);
  });
});
