import { describe, expect, it } from "vitest";
import { simulationMessage, simulationPlan } from "../../../../automation/cli/drill/simulation-messages.ts";
import { everyCampaign } from "../../../support/drill-results.ts";

/** As it goes from one process to the other. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("what the simulation says", () => {
  const { faults, crashes, falseAlarms } = everyCampaign(["one problem"]);

  it.each([
    ["faults", faults],
    ["crashes", crashes],
    ["false-alarms", { ...falseAlarms, name: "false-alarms" }],
    ["broken", { name: "broken", campaign: "crashes", code: "lease-lost", message: "gone" }],
  ])("is read as it was said: %s", (name, message) => {
    expect(simulationMessage.parse(sent(message))).toEqual(sent(message));
    expect(simulationMessage.parse(sent(message)).name).toBe(name);
  });

  it.each([
    ["another campaign", { ...faults, name: "kills" }],
    ["a row without its verdict", { ...crashes, rows: crashes.rows.map(({ ok: _, ...row }) => row) }],
    ["a number that is more", { ...faults, tookMs: 10, more: 1 }],
    ["a code that is not in the catalogue", { name: "broken", campaign: "crashes", code: "lost", message: "gone" }],
    ["nothing", undefined],
  ])("is refused: %s", (_, message) => {
    expect(simulationMessage.safeParse(message).success).toBe(false);
  });
});

describe("what the simulation is told", () => {
  it("is a plan; what has no crashes plays none", () => {
    const plan = { seed: 1, faults: ["candidate-dead"], aa: 20 };
    expect(simulationPlan.parse(sent(plan))).toEqual(plan);
    expect(simulationPlan.safeParse({ ...plan, crashes: { everywhere: true } }).success).toBe(false);
  });
});
