import { describe, expect, it } from "vitest";
import {
  alertLines,
  crashTable,
  falseAlarmTable,
  faultTable,
  killLines,
  roundTripTable,
} from "../../../../automation/cli/drill/drill-tables.ts";
import { alertRates } from "../../../../automation/drill/alerting.ts";
import { everyCampaign } from "../../../support/drill-results.ts";

const { faults, crashes, falseAlarms, kills, roundTrips } = everyCampaign([]);

describe("the tables of a drill", () => {
  it("tell of each fault when it was detected and rolled back, whom it hurt and when somebody went on", () => {
    const [head, row] = faultTable(faults.rows);
    expect(head).toBe(
      "fault           detected in  rolled back in   hurt  by the swap  resumed in  alerts  ended        verdict",
    );
    expect(row).toBe(
      "candidate-dead       330 ms           3.0 s  1,234            0           –  1 of 1  rolled-back  holds",
    );
    const failing = everyCampaign(["x"]).faults.rows;
    expect(faultTable(failing)[1]).toMatch(/rolled-back {2}FAILS$/);
  });

  it("tell of each kind of crash how many there were and what came of them", () => {
    expect(crashTable(crashes.rows)[1]).toMatch(/^completes +every point +162 +161 +1 +2 +3 +0 ms +15\.0 s +holds$/);
    expect(crashTable(everyCampaign(["x"]).crashes.rows)[1]).toMatch(/FAILS$/);
  });

  it("tell of swaps of equal sides how many were rolled back and miscounted", () => {
    expect(falseAlarmTable(falseAlarms.rows)[1]).toMatch(/^100 requests a second +demo +200 +593,007 +1 +1 +0 +holds$/);
  });

  it("tell how well people were told", () => {
    expect(alertLines(everyCampaign([]).alerts)).toEqual([
      "Alerts: 1 expected, 0 missed (false negatives 0.00 %).",
      "Alerts: 1 of 200 equal swaps called people (false positives 0.50 %).",
    ]);
    expect(alertLines(alertRates(undefined, undefined))).toEqual([]);
  });

  it("tell of round trips what failed, of how many, and what both sides counted", () => {
    expect(roundTripTable(roundTrips)).toEqual([
      expect.stringMatching(/^swap +ended +took +requests +failed +by the swap$/),
      expect.stringMatching(/^Trip 1 there +completed +53\.9 s +3,255 +2 +1$/),
      expect.stringMatching(/^Trip 1 back +completed +58\.1 s +3,505 +0 +0$/),
      "6,763 requests, 28 of them long; 2 failed, 1 because of a swap (95 % bound 0.0443 %).",
      "cloud-run: the router counted 3,350, the load generator 3,350.",
      "gke: the router counted 3,413, the load generator 3,412.",
    ]);
  });

  it("tell of kills how many, how the swaps ended, who was slowest and what was not hit", () => {
    expect(killLines(kills)).toEqual([
      "2 processes killed in 1 swap: the one to gke completed; the slowest to take over took 912 ms.",
      "8,806 requests, 2 failed, 1 because of a swap.",
    ]);
    expect(killLines({ ...kills, missed: ["a", "b"] })[1]).toBe("Not killed at: a, b.");
  });
});
