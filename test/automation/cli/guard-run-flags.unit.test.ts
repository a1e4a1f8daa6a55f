import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import {
  assertStrategy,
  begunSoaks,
  restartOf,
  thresholdsOf,
  withFlags,
} from "../../../automation/cli/guard-run-flags.ts";
import { guardConfig } from "../../../automation/guard/settings.ts";
import { epoch, planOf, recordOf } from "../guard/run/batch.ts";

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: "invalid-config", message: expect.stringMatching(message) });

describe("a soak that is too short for the judge", () => {
  test.each([
    [
      "{control_plane_soak_minutes: 14}",
      /validation\.control_plane_soak_minutes: 14: must be at least 15: .*undecided/,
    ],
    ["{soak_period_minutes: 20, warm_up_minutes: 16}", /validation\.soak_period_minutes: 20: must be at least 21/],
    ["{control_plane_soak_minutes: 0, warm_up_minutes: 0}", /control_plane_soak_minutes: 0: Too small/],
  ])("%s is refused in the file", (validation, message) => {
    const text = `guard: {validation: ${validation}}\nenvironments: {local: {cloud: local}}\n`;
    expect(() => parseConfig(text)).toThrow(invalid(message));
  });

  test("as long as both need is taken", () => {
    const { validation } = guardConfig.parse({
      validation: { control_plane_soak_minutes: 6, soak_period_minutes: 6, warm_up_minutes: 1 },
    });
    expect(validation.soak_period_minutes).toBe(6);
  });

  test("--soak-period is held against the file's warm-up", () => {
    const config = guardConfig.parse({ validation: { warm_up_minutes: 20, control_plane_soak_minutes: 30 } });
    expect(withFlags(config, { "soak-period": 25 }).validation.soak_period_minutes).toBe(25);
    expect(() => withFlags(config, { "soak-period": 24 })).toThrow(invalid(/^--soak-period: must be at least 25/));
  });
});

test("every flag that does not fit is named", () => {
  expect(() => withFlags(guardConfig.parse({}), { "latency-p95-increase": "much", "error-rate-max": "2" })).toThrow(
    invalid(/^--latency-p95-increase: .*\n--error-rate-max: /),
  );
});

test("limits are those that a flag names, and no others", () => {
  expect(thresholdsOf({ "resource-increase": "0.5", "min-requests": "200", batch: "wave-1" })).toEqual({
    istiod_resource_increase: 0.5,
    proxy_resource_increase: 0.5,
    min_requests: 200,
  });
  expect(thresholdsOf({ batch: "wave-1" })).toBeUndefined();
});

test("how workloads restart is said in short, and kept in the words of the settings", () => {
  expect([{}, { restart: "auto" }, { restart: "manual" }].map(restartOf)).toEqual([undefined, "automatic", "manual"]);
});

test("a limit that stands for two settings is named once", () => {
  expect(() => withFlags(guardConfig.parse({}), { "resource-increase": "-1" })).toThrow(
    invalid(/^--resource-increase: [^\n]*$/),
  );
});

test("a soak that has begun keeps its end, and it is said; another that is as long is not spoken of", () => {
  const plan = planOf(["eu-1"]);
  const record = recordOf(plan, "eu-1");
  const soak = { startedAt: epoch, endsAt: epoch + 3_600_000, extended: false };
  const run = record.run === undefined ? {} : { run: { ...record.run, soak } };
  const soaking = { ...record, ...run, state: "soaking_data_plane" } as const;
  expect(begunSoaks([soaking], 30)).toEqual([
    "--soak-period comes too late for eu-1: its soak has begun, and ends at 2026-12-01T11:00:00.000Z",
  ]);
  expect([begunSoaks([soaking], 60), begunSoaks([soaking], undefined)]).toEqual([[], []]);
  expect(begunSoaks([{ ...soaking, state: "soaking_control_plane" }], 30)).toEqual([]);
});

test("a plan goes the way that it was made for, or is refused", () => {
  const plan = planOf(["eu-1"]);
  for (const asked of [undefined, "in-place"]) expect(() => assertStrategy(plan, asked)).not.toThrow();
  expect(() => assertStrategy(plan, "revision")).toThrow(
    expect.objectContaining({
      code: "guard-refused",
      message: expect.stringContaining("goes by in-place, and revision"),
    }),
  );
});
