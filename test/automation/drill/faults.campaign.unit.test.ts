import { describe, expect, it } from "vitest";
import { playFault } from "../../../automation/drill/fault-campaign.ts";
import { faults } from "../../../automation/drill/faults.ts";

describe("a world where", () => {
  it.each(faults.map((fault) => ({ name: fault.name, title: fault.title, fault })))(
    "$name: $title",
    async ({ fault }) => {
      const row = await playFault(fault, 1);
      expect(row.problems).toEqual([]);
    },
    60_000,
  );
});
