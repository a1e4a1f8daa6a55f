import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWeights, weightArguments } from "../../../automation/cli/weights.ts";

const platforms = ["cloud-run", "gke", "eks"];
const entries = ["cloud-run", "gke"];
const parse = (...given: string[]) => parseWeights(given, platforms, entries);

describe("weights as they are typed", () => {
  it("are shares of all entries; one that is not named gets nothing", () => {
    expect(parse("cloud-run=95", "gke=5")).toEqual({ "cloud-run": 95, gke: 5 });
    expect(parse("gke=100")).toEqual({ "cloud-run": 0, gke: 100 });
    expect(parse("gke=99.9%", "cloud-run=0.1")).toEqual({ "cloud-run": 0.1, gke: 99.9 });
  });

  it("are read back as they are printed, whatever they are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000 }), (tenths) => {
        const weights = { "cloud-run": tenths / 10, gke: (1_000 - tenths) / 10 };
        expect(parse(...weightArguments(weights).split(" "))).toEqual(weights);
      }),
    );
  });

  it.each([
    [["cloud-run"], "usage-error", /"cloud-run" is no weight/],
    [["=5"], "usage-error", /no weight/],
    [["cloud-run=5=5"], "usage-error", /no weight/],
    [["cloud_run=100"], "unknown-platform", /no platform cloud_run.*did you mean cloud-run\?/],
    [["eks=100"], "traffic-weights-invalid", /no entry for eks \(it has cloud-run, gke\)/],
    [["cloud-run=60", "gke=30"], "traffic-weights-invalid", /add up to 90/],
    [["cloud-run=60", "gke=50"], "traffic-weights-invalid", /add up to 110/],
    [["cloud-run=50", "cloud-run=50"], "traffic-weights-invalid", /given twice/],
    [["cloud-run=-5", "gke=105"], "traffic-weights-invalid", /from 0 to 100/],
    [["cloud-run=99.95", "gke=0.05"], "traffic-weights-invalid", /one decimal/],
    [["cloud-run=x", "gke=100"], "traffic-weights-invalid", /is a number/],
    [["cloud-run=1e2"], "traffic-weights-invalid", /is a number/],
    [["cloud-run="], "traffic-weights-invalid", /is a number/],
    [["cloud-run=101"], "traffic-weights-invalid", /from 0 to 100/],
  ])("%j are refused: %s", (given, code, message) => {
    expect(() => parse(...given)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
