import { afterEach, describe, expect, it, vi } from "vitest";
import { equalSides, falseAlarms } from "../../../automation/drill/false-alarms.ts";
import type * as Stop from "../../../automation/swap/gates/stop.ts";

/** What is broken about the gates. */
const broken = vi.hoisted(() => ({ countsTwice: false, blamesAnyError: false }));

vi.mock(import("../../../automation/swap/gates/stop.ts"), async (original) => {
  const real: typeof Stop = await original();
  return {
    ...real,
    foldRecord(gates, record, context) {
      real.foldRecord(gates, record, context);
      if (broken.countsTwice && record.sequence % 100 === 0) real.foldRecord(gates, record, context);
    },
    stopNow(gates, settings) {
      const { errors } = gates.candidate;
      return broken.blamesAnyError && errors > 0
        ? { reason: "candidate-errors", evidence: { errors } }
        : real.stopNow(gates, settings);
    },
  };
});

afterEach(() => {
  broken.countsTwice = false;
  broken.blamesAnyError = false;
});

const [usual, heavy] = equalSides;
if (usual === undefined || heavy === undefined) throw new Error("there is no traffic to play");

describe("swaps of two equal sides", () => {
  it.each([usual, heavy])(
    "are rolled back at most once in a hundred: $name",
    async (sides) => {
      const row = await falseAlarms(sides, 1, 100);
      expect(row.problems).toEqual([]);
      expect(row.swaps).toBe(100);
      expect(row.falseAlerts).toBeLessThanOrEqual(1);
      expect(row.requests).toBeGreaterThan(100_000);
    },
    60_000,
  );

  it("are counted by the gates as by the sender, to the request", async () => {
    expect((await falseAlarms(usual, 5, 2)).miscounted).toBe(0);
    broken.countsTwice = true;
    const row = await falseAlarms(usual, 5, 2);
    expect(row.ok).toBe(false);
    expect(row.problems[0]).toMatch(/^cloud-run: the gates counted \d+ requests with \d+ errors, the sender \d+ with/);
  }, 60_000);

  it("show a gate that blames too soon", async () => {
    broken.blamesAnyError = true;
    const row = await falseAlarms(heavy, 1, 50);
    expect(row.ok).toBe(false);
    expect(row.falseRollbacks).toBeGreaterThan(25);
    expect(row.byReason["candidate-errors"]).toBe(row.falseRollbacks);
    expect(row.falseAlerts).toBe(row.falseRollbacks);
    expect(row.problems).toContain(`${row.falseAlerts} of 50 equal swaps called people, at most 1`);
  }, 60_000);
});
