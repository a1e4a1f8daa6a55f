import { describe, expect, test } from "vitest";
import { z } from "zod";
import { metricChecks } from "../../../automation/swap/metric-checks.ts";

const query = 'latency{side="{platform}"}';
const check = (more: object = {}) => ({ name: "latency", source: "prometheus", query, ...more });
const config = (more: object = {}, ...checks: readonly object[]) => ({
  sources: { prometheus: { url: "https://prometheus.example.com" } },
  checks: checks.length === 0 ? [check()] : checks,
  ...more,
});
/** `path: message` of every problem. */
const problems = (value: unknown): readonly string[] =>
  metricChecks.safeParse(value).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

describe("metrics in switchyard.yaml", () => {
  test("none are configured by default, and the limits are Argo's", () => {
    expect(metricChecks.parse(undefined)).toEqual({
      sources: {},
      checks: [],
      pass: 95,
      marginal: 75,
      interval: 60,
      step: 10,
      warm_up: 0,
      delay: 0,
      failure_limit: 0,
      inconclusive_limit: 0,
      consecutive_error_limit: 4,
      error_retry: 10,
    });
  });

  test("what was parsed and journalled as JSON parses to the same again", () => {
    const given = config(
      { lookback: 600, sources: { prometheus: { url: "http://localhost:9090" }, datadog: {} } },
      check({ weight: 40, group: "latency", critical: true, critical_increase: 5, allowed_increase: 1.1 }),
      check({ name: "errors", effect_size: "cles", allowed_increase: 0.6, nan_strategy: "replace" }),
    );
    const parsed = metricChecks.parse(given);
    expect(metricChecks.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  test("every setting is described in the published schema", () => {
    const part = z.looseObject({
      description: z.string().optional(),
      properties: z.record(z.string(), z.unknown()).optional(),
      items: z.unknown().optional(),
    });
    const undescribed = (schema: unknown, path: string): readonly string[] => {
      const { description, properties = {}, items } = part.parse(schema);
      return [
        ...(description === undefined && !path.endsWith("[]") ? [path] : []),
        ...Object.entries(properties).flatMap(([name, one]) => undescribed(one, `${path}.${name}`)),
        ...(items === undefined ? [] : undescribed(items, `${path}[]`)),
      ];
    };
    expect(undescribed(z.toJSONSchema(metricChecks, { io: "input" }), "metrics")).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ["a marginal score above the passing one", config({ marginal: 96 }), /^marginal: must not be above pass \(95\)/],
    ["an interval below the step", config({ interval: 5 }), /^interval: must not be below step \(10\)/],
    ["a window of too few points", config({ lookback: 40 }), /^lookback: must hold at least 5 points, 50 s/],
    ["a window of too many points", config({ lookback: 200_000 }), /^lookback: must not hold more than 10000 points/],
    ["a source without a place", config({ sources: {} }), /^sources.prometheus: is needed by the check latency/],
    [
      "a query that is the same on both sides",
      config({}, check({ query: "up" })),
      /^checks.0.query: must contain \{platf/,
    ],
    ["a name twice", config({}, check(), check()), /^checks.1.name: is used by another check/],
    [
      "thresholds of the direction that is not bad",
      config({}, check({ allowed_decrease: 0.9 })),
      /^checks.0.allowed_decrease: has no effect: the direction is increase/,
    ],
    [
      "a critical threshold of a check that is not critical",
      config({}, check({ critical_increase: 5 })),
      /^checks.0.critical_increase: has no effect: the check is not critical/,
    ],
    [
      "a critical threshold milder than the allowed one",
      config({}, check({ critical: true, allowed_increase: 2, critical_increase: 1.5 })),
      /^checks.0.critical_increase: must not be below allowed_increase \(2\)/,
    ],
    [
      "an allowed increase that is a decrease",
      config({}, check({ allowed_increase: 0.9 })),
      /^checks.0.allowed_increase: must not be below 1, which is no difference/,
    ],
    [
      "an allowed decrease that is an increase",
      config({}, check({ direction: "either", allowed_decrease: 1.1 })),
      /^checks.0.allowed_decrease: must not be above 1, which/,
    ],
    [
      "a share of pairs above 1",
      config({}, check({ effect_size: "cles", allowed_increase: 1.1 })),
      /^checks.0.allowed_increase: must not be above 1: cles is a share/,
    ],
    [
      "two weights of one group",
      config({}, check({ weight: 40 }), check({ name: "b", weight: 60 })),
      /^checks.1.weight: contradicts the weight 40 that the group metrics has/,
    ],
    [
      "weights above 100 in all",
      config({}, check({ weight: 60, group: "a" }), check({ name: "b", weight: 60, group: "b" })),
      /^checks.1.weight: the weights of all groups add up to 120, more than 100/,
    ],
    [
      "weights of all groups below 100",
      config({}, check({ weight: 60, group: "a" }), check({ name: "b", weight: 30, group: "b" })),
      /^checks.1.weight: the weights of all groups add up to 90 instead of 100/,
    ],
    [
      "a weight of a muted group",
      config({}, check({ weight: 60, muted: true })),
      /^checks.0.weight: has no effect: every/,
    ],
    ["an unknown setting", config({ allowed: 1 }), /^: Unrecognized key: "allowed"/],
    [
      "an unknown Datadog site",
      config({ sources: { datadog: { site: "evil.example.com" } } }),
      /^sources.datadog.site: /,
    ],
    ["a pass score above 100", config({ pass: 101 }), /^pass: /],
  ])("%s is refused by name", (_what, value, expected) => {
    expect(
      problems(value).some((problem) => expected.test(problem)),
      problems(value).join("\n"),
    ).toBe(true);
  });

  test("a valid configuration has no problem", () => {
    expect(problems(config({ lookback: 600, marginal: 95 }, check({ weight: 100, allowed_increase: 1.1 })))).toEqual(
      [],
    );
  });

  test.each([
    ["a secret in place of its variable", { prometheus: { url: "https://p.example.com", token_variable: "eyJh.b-1" } }],
    ["a key in place of its variable", { datadog: { api_key_variable: "0a1b2c3d" } }],
    ["credentials in an address", { prometheus: { url: "https://me:hunter2@p.example.com" } }],
    ["a password in an address", { prometheus: { url: "https://:hunter2@p.example.com" } }],
    ["a key in an address", { prometheus: { url: "https://p.example.com/?key=hunter2" } }],
  ])("%s is refused, and marked so that nobody prints it", (_what, sources) => {
    const issues = metricChecks.safeParse({ sources }).error?.issues ?? [];
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ code: "custom", params: { hidden: true } });
    expect(issues[0]?.message).not.toMatch(/eyJh|0a1b|hunter2/);
  });
});
