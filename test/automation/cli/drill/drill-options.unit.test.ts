import { describe, expect, it } from "vitest";
import { chooseFaults, drillOptions, parseKills } from "../../../../automation/cli/drill/drill-options.ts";
import { faults } from "../../../../automation/drill/faults.ts";
import { SwitchyardError } from "../../../../automation/errors.ts";

const given = { seed: 1, rate: 100 };

function refusal(work: () => unknown): SwitchyardError {
  try {
    work();
  } catch (error) {
    if (error instanceof SwitchyardError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("a drill", () => {
  it("without a campaign's flag is the short one of all", () => {
    expect(drillOptions(given)).toEqual({
      roundTrips: 1,
      kills: "all",
      randomCrashes: 100,
      faults,
      aa: 1_000,
      longSeconds: 10,
      rate: 100,
      seed: 1,
    });
    expect(drillOptions({ seed: 7, rate: 50, "long-seconds": 5 })).toMatchObject({
      roundTrips: 1,
      longSeconds: 5,
      seed: 7,
      rate: 50,
    });
  });

  it("with one plays that alone, with long requests of a minute", () => {
    const nothing = {
      roundTrips: 0,
      kills: undefined,
      randomCrashes: 0,
      faults: [],
      aa: 0,
      longSeconds: 60,
      rate: 100,
      seed: 1,
    };
    expect(drillOptions({ ...given, "round-trips": 3 })).toEqual({ ...nothing, roundTrips: 3 });
    expect(drillOptions({ ...given, kills: "5" })).toEqual({ ...nothing, kills: 5, randomCrashes: 5 });
    expect(drillOptions({ ...given, kills: "all" })).toEqual({ ...nothing, kills: "all", randomCrashes: 1_000 });
    expect(drillOptions({ ...given, faults: "all" })).toEqual({ ...nothing, faults });
    expect(drillOptions({ ...given, aa: 2_000, "long-seconds": 10 })).toEqual({
      ...nothing,
      aa: 2_000,
      longSeconds: 10,
    });
  });

  it("of nothing is refused: it would find nothing", () => {
    expect(refusal(() => drillOptions({ ...given, aa: 0, "round-trips": 0 }))).toMatchObject({ code: "usage-error" });
  });
});

describe("faults", () => {
  it("are all, or those with the names, in the order of the names and each once", () => {
    expect(chooseFaults("all")).toBe(faults);
    expect(chooseFaults(" two-engines,candidate-dead, two-engines").map(({ name }) => name)).toEqual([
      "two-engines",
      "candidate-dead",
    ]);
  });

  it.each([
    ["candidate-ded", 'There is no fault "candidate-ded"; did you mean candidate-dead?'],
    ["Two-Engines", "did you mean two-engines?"],
    ["candidate-dead,,two-engines", 'There is no fault ""'],
    ["none", 'There is no fault "none"'],
  ])("%j are refused, with the nearest name and all that there are", (text, message) => {
    const error = refusal(() => chooseFaults(text));
    expect(error).toMatchObject({ code: "usage-error", message: expect.stringContaining(message) });
    for (const { name } of faults) expect(error.message).toContain(name);
  });
});

describe("kills", () => {
  it("are all or a number", () => {
    expect([parseKills("all"), parseKills("1"), parseKills("999999")]).toEqual(["all", 1, 999_999]);
  });

  it.each(["0", "-1", "1.5", "1e3", "1000000", "", "ALL", "some"])("of %j are refused", (text) => {
    expect(refusal(() => parseKills(text))).toMatchObject({ code: "usage-error" });
  });
});
