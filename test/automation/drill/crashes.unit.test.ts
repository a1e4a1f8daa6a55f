import { describe, expect, it } from "vitest";
import { crash, crashAtRandom, crashedSwaps } from "../../../automation/drill/crashes.ts";

describe("the crash campaign", () => {
  it("kills before and after every effect, in a call whose reply is lost, before, in and after every line", async () => {
    const swap = crashedSwaps[0];
    if (swap === undefined) throw new Error("there is no swap to crash");
    const { points } = await crash(swap, 1, [], () => "host-0");
    const kinds = [
      /^up gke: before$/,
      /^up gke: half done$/,
      /^up gke: reply$/,
      /^destroy cloud-run: half done$/,
      /^write .*: on its way$/,
      /^write .*: reply on its way$/,
      /^claim: on its way$/,
      /^journal line \d+: before$/,
      /^journal line \d+: torn$/,
      /^journal line \d+: after$/,
    ];
    for (const kind of kinds)
      expect(
        points.some((point) => kind.test(point)),
        String(kind),
      ).toBe(true);
  });

  it("is the same for the same seed", async () => {
    const swap = crashedSwaps[1];
    if (swap === undefined) throw new Error("there is no swap to crash");
    expect(await crashAtRandom(swap, 3, 5)).toEqual(await crashAtRandom(swap, 3, 5));
  });
});
