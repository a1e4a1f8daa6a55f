import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { configFile, loadConfig, parseConfig } from "../../../automation/cli/config-file.ts";
import { configTemplate } from "../../../automation/cli/config-template.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { guardConfig } from "../../../automation/guard/settings.ts";
import { gatesConfig } from "../../../automation/swap/gate-settings.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { createMemoryFiles } from "../../support/memory-files.ts";

/** The problems of a file that is refused. */
function problems(text: string): readonly string[] {
  try {
    parseConfig(text);
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    expect(error.code).toBe("invalid-config");
    expect(error.exitCode).toBe(2);
    const found = z.array(z.string()).parse(error.data["problems"]);
    for (const problem of found) expect(error.message).toContain(problem);
    return found;
  }
  throw new Error("the file was taken");
}

const environment = (lines: string): string =>
  `environments:\n  prod:\n${lines
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")}\n`;

describe("a switchyard.yaml that is wrong", () => {
  it("is told all its problems at once, each with path, value and what is allowed", () => {
    expect(
      problems(
        environment(
          [
            "cloud: azure",
            "region: US",
            "probes_per_second: 0",
            "platforms:",
            "  gke: {performance_threshold: fast}",
            "swap: {enabled: 1, rollback_threshold: 5, ramp: [1, 120]}",
          ].join("\n"),
        ),
      ),
    ).toEqual([
      expect.stringMatching(/^environments\.prod\.cloud: "azure": .*"local"\|"google"/),
      expect.stringMatching(/^environments\.prod\.region: "US": .*for example us-central1/),
      expect.stringMatching(/^environments\.prod\.probes_per_second: 0: .*>=1/),
      expect.stringMatching(/^environments\.prod\.platforms\.gke\.performance_threshold: "fast": .*expected number/),
      expect.stringMatching(/^environments\.prod\.swap\.enabled: 1: .*expected boolean/),
      expect.stringMatching(/^environments\.prod\.swap\.rollback_threshold: 5: .*<=1/),
      expect.stringMatching(/^environments\.prod\.swap\.ramp\[1\]: 120: .*<=100/),
      "environments.prod.swap.ramp: [1,120]: the last share must be 100",
    ]);
  });

  it("has unknown keys named, each with the nearest known one", () => {
    expect(problems(environment("cloud: local\nregoin: us-central1\nswap: {rmap: [100]}"))).toEqual([
      expect.stringMatching(/^environments\.prod\.swap\.rmap: no such setting; did you mean ramp\?/),
      expect.stringMatching(/^environments\.prod\.regoin: no such setting; did you mean region\?/),
    ]);
  });

  it.each([
    ["[50, 25, 100]", "shares must rise from step to step"],
    ["[1, 5]", "the last share must be 100"],
    ["[]", ">=1"],
    ["[0, 100]", ">0"],
    ["[33.333, 100]", "0.1"],
  ])("has the ramp %s refused", (ramp, why) => {
    const found = problems(environment(`cloud: local\nswap: {ramp: ${ramp}}`)).join("\n");
    expect(found).toContain("environments.prod.swap.ramp");
    expect(found).toContain(why);
  });

  it.each([
    ["bake: -1", "bake", ">=0"],
    ["rollback_window: 604801", "rollback_window", "<=604800"],
    ["error_budget: 0", "error_budget", ">=1"],
    ["propagation: 3601", "propagation", "<=3600"],
    ["drain_timeout: 0", "drain_timeout", ">=1"],
    ["gates: {error_alpha: 0}", "gates.error_alpha", ">0"],
    ["gates: {latency_alpha: 0.06}", "gates.latency_alpha", "<=0.05"],
    ["gates: {floor_alpha: 1}", "gates.floor_alpha", "<=0.05"],
    ["gates: {consecutive_gateway_errors: 1}", "gates.consecutive_gateway_errors", ">=2"],
    ["gates: {consecutive_gateway_errors: 2.5}", "gates.consecutive_gateway_errors", "int"],
    ["gates: {early_margin: 0.6}", "gates.early_margin", "<=0.5"],
    ["gates: {late_margin: 0}", "gates.late_margin", ">0"],
    ["gates: {latency_ratio: 0.5}", "gates.latency_ratio", ">=1"],
    ["gates: {latency_slack: -1}", "gates.latency_slack", ">=0"],
    ["gates: {warm_up: 3601}", "gates.warm_up", "<=3600"],
    ["gates: {silence_after: 0}", "gates.silence_after", ">=1"],
    ["gates: {on_silence: ignore}", "gates.on_silence", '"pause"|"notify"|"top-up"'],
    ["gates: {top_up_rate: 0}", "gates.top_up_rate", ">0"],
    ["dead_man: {policy: retry}", "dead_man.policy", '"hold"|"revert"'],
    ["dead_man: {after: 14}", "dead_man.after", ">=15"],
    ["fail_back: maybe", "fail_back", "expected boolean"],
    ["metrics: {pass: 101}", "metrics.pass", "<=100"],
    ["metrics: {failure_limit: -2}", "metrics.failure_limit", ">=-1"],
  ])("has %s refused: out of its range", (line, path, why) => {
    const found = problems(environment(`cloud: local\nswap: {${line}}`));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`environments.prod.swap.${path}: `);
    expect(found[0]).toContain(why);
  });

  it.each([
    ["approvals: [10]", "approvals[0]: 10: is no step of the ramp (1, 5, 25, 50, 100)"],
    ["approvals: [5], ramp: [10, 100]", "approvals[0]: 5: is no step of the ramp (10, 100)"],
    [
      "gates: {early_margin: 0.01, late_margin: 0.02}",
      "gates.late_margin: 0.02: must not be wider than early_margin (0.01): late steps carry the proof",
    ],
    // The profile's early margin is 0.005.
    [
      "gates: {late_margin: 0.02}",
      "gates.late_margin: 0.02: must not be wider than early_margin (0.005): late steps carry the proof",
    ],
    ["gates: {base_error_rate: 0.05}", "gates.base_error_rate: 0.05: must be below rollback_threshold (0.05)"],
    [
      "rollback_threshold: 0.0005, gates: {early_margin: 0.0005, late_margin: 0.0005}",
      "gates.base_error_rate: missing: must be below rollback_threshold (0.0005)",
    ],
    ["gates: {early_margin: 0.06}", "gates.early_margin: 0.06: must not be wider than rollback_threshold (0.05)"],
    [
      "rollback_threshold: 0.004, gates: {late_margin: 0.001}",
      "gates.early_margin: missing: must not be wider than rollback_threshold (0.004); profile standard has 0.005",
    ],
    [
      "gates: {error_alpha: 0.03, latency_alpha: 0.02, floor_alpha: 0.000001}",
      "error_alpha, latency_alpha and floor_alpha add up to 0.050001; a swap may risk at most 0.05",
    ],
    [
      "profile: demo, gates: {warm_up: 120}",
      "gates.warm_up: 120: must be below what a step of profile demo may take (120 s)",
    ],
    [
      "gates: {silence_after: 3600}",
      "gates.silence_after: 3600: must be below what a step of profile standard may take (3600 s)",
    ],
    [
      "monitoring_interval: 3600",
      "monitoring_interval: 3600: must be below what a step of profile standard may take (3600 s)",
    ],
    [
      "profile: demo, traffic_shift_duration: 600",
      "traffic_shift_duration: 600: gives each of the 5 steps more time than a step of profile demo may take (120 s)",
    ],
    ["metrics: {pass: 50}", "metrics.marginal: missing: must not be above pass (50)"],
  ])("has %s refused: it contradicts itself", (line, problem) => {
    const found = problems(environment(`cloud: local\nswap: {${line}}`));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^environments\.prod\.swap\./);
    expect(found[0]).toContain(problem);
  });

  it.each([
    "rollback_threshold: 0.005, gates: {base_error_rate: 0.0001}",
    "gates: {error_alpha: 0.02, latency_alpha: 0.02, floor_alpha: 0.01}",
    "gates: {error_alpha: 0.041, latency_alpha: 0.006, floor_alpha: 0.003}",
    "profile: demo, gates: {warm_up: 119.9, silence_after: 119.9}, monitoring_interval: 119.9",
  ])("is taken with %s: at the edge, but not beyond it", (line) => {
    expect(Object.keys(parseConfig(environment(`cloud: local\nswap: {${line}}`)).environments)).toEqual(["prod"]);
  });

  it("has fewer instances at most than at least refused", () => {
    const scaling = (least: number, most: number) =>
      environment(
        `cloud: local\nplatforms: {gke: {auto_scale_config: {min_instances: ${least}, max_instances: ${most}}}}`,
      );
    expect(problems(scaling(3, 2))).toEqual([
      "environments.prod.platforms.gke.auto_scale_config.min_instances: 3: must not be above max_instances (2)",
    ]);
    expect(() => parseConfig(scaling(2, 2))).not.toThrow();
  });

  it.each([
    [
      '{from: "2026-12-24T12:00:00Z", to: "2026-12-24T11:00:00Z"}',
      'freeze[0].to: "2026-12-24T11:00:00Z": must be after from (2026-12-24T12:00:00Z)',
    ],
    ['{from: "2026-12-24", to: "2026-12-25T00:00:00Z"}', 'freeze[0].from: "2026-12-24": Invalid ISO datetime'],
    ['{from: "2026-12-24T12:00:00Z"}', "freeze[0].to: missing"],
    [
      '{days: [mon], start: "08:00", end: "09:00", zone: Europe/Zurch}',
      'freeze[0].zone: "Europe/Zurch": is no IANA time zone, for example Europe/Zurich; did you mean Europe/Zurich?',
    ],
    [
      '{days: [mon], start: "8", end: "09:00", zone: UTC}',
      'freeze[0].start: "8": must be a time of day, for example 17:30',
    ],
    ['{days: [monday], start: "08:00", end: "09:00", zone: UTC}', 'freeze[0].days[0]: "monday": '],
    ['{days: [mon], start: "08:00", end: "09:00", zome: UTC}', "freeze[0].zome: no such setting; did you mean zone?"],
    [
      '{name: always, days: [mon, tue, wed, thu, fri, sat, sun], start: "08:00", end: "08:00", zone: UTC}',
      'the window "always" leaves less than an hour of the week open: a freeze that as good as never ends',
    ],
  ])("has the freeze window %s refused, with what is wrong in the form that was meant", (window, problem) => {
    const found = problems(environment(`cloud: local\nswap: {freeze: [${window}]}`)).join("\n");
    expect(found).toContain(`environments.prod.swap.freeze`);
    expect(found).toContain(problem);
  });

  it("has what may be a secret in the wrong place told without the value", () => {
    const found = problems(
      environment(
        "cloud: local\nswap: {metrics: {sources: {datadog: {api_key_variable: 0123456789abcdef}}, checks: []}}",
      ),
    ).join("\n");
    expect(found).toContain("api_key_variable: (not shown): must be the NAME");
    expect(found).not.toContain("0123456789abcdef");
  });

  it("needs a project and an image of a registry for a cloud", () => {
    expect(problems(environment("cloud: google"))).toEqual([
      "environments.prod.project: missing: is needed for a cloud",
      expect.stringMatching(/^environments\.prod\.image: .*a cloud needs an image with digest/),
    ]);
  });

  it("has two local environments of one prefix refused, by default too, and names both", () => {
    expect(problems("environments:\n  one: {cloud: local}\n  two: {cloud: local, project: other}\n")).toEqual([
      "environments.two.prefix: missing: one and two share the local cloud, where their balancers would both be kiro; give one of them another prefix",
    ]);
    const google = "{cloud: google, project: p, image: a@sha256:b}";
    parseConfig(`environments:\n  one: {cloud: local}\n  two: {cloud: local, prefix: two}\n  prod: ${google}\n`);
  });

  it("has settings of the local cloud out of range refused", () => {
    const wrong = "{propagation_spread: 601, propagation_in_order: 1, router_workers: 17, log_delay: -1}";
    expect(problems(`local_cloud: ${wrong}\n${environment("cloud: local")}`)).toEqual([
      expect.stringMatching(/^local_cloud\.propagation_spread: 601: .*<=600/),
      expect.stringMatching(/^local_cloud\.propagation_in_order: 1: .*expected boolean/),
      expect.stringMatching(/^local_cloud\.router_workers: 17: .*<=16/),
      expect.stringMatching(/^local_cloud\.log_delay: -1: .*>=0/),
    ]);
  });

  it("has a name of an environment refused that no stack could have", () => {
    expect(problems("environments:\n  Prod.eu:\n    cloud: local\n").join()).toContain("lower-case letters");
  });

  it("has its YAML's own problems told with the line", () => {
    expect(problems("environments:\n  local: {cloud: local\n").join()).toMatch(/line 3/);
    expect(problems("environments:\n  a: {cloud: local}\n  a: {cloud: local}\n").join()).toMatch(/unique.*line 3/);
  });

  it.each(["", "[]", "hello", "environments:", "environments: {}"])("has %j refused", (text) => {
    expect(problems(text)).toHaveLength(1);
  });
});

describe("without a switchyard.yaml", () => {
  it("there is one local environment, whose gate profile is demo", async () => {
    const { config, path } = await loadConfig(createMemoryFiles(), "/checkout");
    expect(path).toBeUndefined();
    expect(Object.keys(config.environments)).toEqual(["local"]);
    expect(config.environments["local"]?.swap?.profile).toBe("demo");
  });
});

describe("the example that init writes", () => {
  it("is valid", () => {
    expect(Object.keys(parseConfig(configTemplate).environments)).toEqual(["local"]);
  });

  it("is what holds without it, so that writing it changes nothing", async () => {
    const without = (await loadConfig(createMemoryFiles(), "/checkout")).config.environments["local"];
    const written = parseConfig(configTemplate).environments["local"];
    const { platforms, swap, ...rest } = written ?? {};
    const { platforms: _none, swap: withoutSwap, ...withoutRest } = without ?? {};
    expect(rest).toEqual(withoutRest);
    expect(swap).toEqual(withoutSwap);
    expect(platforms).toMatchObject({
      "cloud-run": { performance_threshold: 10_000 },
      gke: { performance_threshold: 10_000 },
    });
  });

  it("is valid too with every setting that it only mentions, which then are the demo profile's", async () => {
    const all = configTemplate.replaceAll(/^( *)#([a-z][a-z0-9_]*:)/gm, "$1$2");
    expect(all).not.toBe(configTemplate);
    const { swap } = parseConfig(all).environments["local"] ?? {};
    const { swap: without } = (await loadConfig(createMemoryFiles(), "/checkout")).config.environments["local"] ?? {};
    if (swap === undefined || without === undefined) throw new Error("the example has no swap");
    expect(swap.propagation).toBe(100);
    // What it mentions of the propagation is a cloud's.
    const expected = toSwapSettings(without, platformConfig.parse({}), 100_000);
    expect(toSwapSettings(swap, platformConfig.parse({}))).toEqual(expected);
  });

  it("mentions every setting of a swap and of its gates, and of the local cloud", () => {
    const schema = z.toJSONSchema(hotSwapConfig, { io: "input" });
    const gates = z.toJSONSchema(gatesConfig, { io: "input" });
    for (const name of [...Object.keys(schema.properties ?? {}), ...Object.keys(gates.properties ?? {})])
      expect(configTemplate, name).toMatch(new RegExp(`^ *#?${name}:`, "m"));
    const written = parse(configTemplate).local_cloud;
    expect(parseConfig(`local_cloud: {}\nenvironments: {local: {cloud: local}}`).local_cloud).toEqual(written);
  });

  it("mentions every setting of guard that has a default, with that default, and every other one as an example", () => {
    const all = configTemplate.replaceAll(/^( *)#([a-z][a-z0-9_]*:)/gm, "$1$2");
    const written: unknown = parse(all).guard;
    expect(written).toEqual(guardConfig.parse({}));
    expect(parseConfig(all).guard).toEqual(guardConfig.parse({}));
    const part = configTemplate.slice(configTemplate.indexOf("#guard:"));
    const { properties } = z.toJSONSchema(guardConfig, { io: "input" });
    for (const name of Object.keys(properties ?? {})) expect(part, name).toMatch(new RegExp(`^  # ?${name}:`, "m"));
    for (const name of ["endpoint", "source", "prometheus", "cloudwatch", "event_bus"])
      expect(part, name).toMatch(new RegExp(`^ +# ${name}:`, "m"));
  });

  it("explains every setting with a comment, and tells editors its schema", () => {
    const lines = configTemplate.split("\n");
    expect(lines[0]).toBe("# yaml-language-server: $schema=./docs/schema/switchyard.schema.json");
    const swap: unknown = parse(configTemplate).environments.local.swap;
    for (const name of Object.keys(z.record(z.string(), z.unknown()).parse(swap))) {
      const at = lines.findIndex((line) => line.trim().startsWith(`${name}:`));
      expect(lines[at - 1]?.trim(), name).toMatch(/^# /);
    }
  });
});

describe("the section guard", () => {
  const withGuard = (guard: string) => `guard: ${guard}\nenvironments: {local: {cloud: local}}\n`;

  it("is absent by default, and empty has every default", () => {
    expect(parseConfig("environments: {local: {cloud: local}}\n").guard).toBeUndefined();
    expect(parseConfig(withGuard("{}")).guard).toEqual(guardConfig.parse({}));
  });

  it("has all its problems told with their places", () => {
    const guard =
      "{aws: {dynamodb: {local: true, endpoint: http://127.0.0.1:8000}}, metrics: {source: prometheus}, batch_order: {a: [b], b: [a]}, executoin: {}}";
    expect(problems(withGuard(guard))).toEqual([
      expect.stringContaining("guard.executoin: no such setting; did you mean execution?"),
      'guard.aws.dynamodb.endpoint: "http://127.0.0.1:8000": is not used with local: true',
      'guard.batch_order.a: ["b"]: waits for itself',
      'guard.batch_order.b: ["a"]: waits for itself',
      "guard.metrics.prometheus: missing: is needed for this source",
    ]);
  });

  it("takes a secret by each kind of place", () => {
    for (const place of [
      "TOKEN",
      "file:/keys/gitlab",
      "secrets-manager:guard/gitlab#token",
      "secrets-manager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:guard-AbCdEf#token",
      "secret-manager:projects/p/secrets/s/versions/3",
    ])
      expect(parseConfig(withGuard(`{gitlab: {token_from: "${place}"}}`)).guard?.gitlab.token_from).toBe(place);
  });
});

describe("the published JSON Schema", () => {
  it("is what the source says, and knows every setting with its words", async () => {
    const path = join(import.meta.dirname, "../../../docs/schema/switchyard.schema.json");
    const published: unknown = JSON.parse(await readFile(path, "utf8"));
    expect(published).toEqual({
      ...JSON.parse(JSON.stringify(z.toJSONSchema(configFile, { io: "input" }))),
      title: "switchyard.yaml",
    });
    expect(JSON.stringify(published)).toContain("rollback_threshold");
    expect(JSON.stringify(published)).toContain("Ceiling on the candidate's share of failed requests");
  });
});

describe("a secret in clear", () => {
  it.each([
    [
      "by its name",
      "environments:\n  local: {cloud: local, password: hunter2-marker}\n",
      "environments.local.password",
    ],
    [
      "by its form",
      `environments:\n  local: {cloud: local, image: ghp_${"m".repeat(36)}}\n`,
      "environments.local.image",
    ],
    [
      "in the section guard",
      `guard: {gitlab: {token_from: glpat-${"m".repeat(20)}}}\nenvironments:\n  local: {cloud: local}\n`,
      "guard.gitlab.token_from",
    ],
    [
      "by its name among the options of a check of guard",
      "guard: {custom_checks: [{module: a, options: {api_key: hunter2-marker}}]}\nenvironments: {local: {cloud: local}}\n",
      "guard.custom_checks[0].options.api_key",
    ],
    [
      "deep inside",
      `environments:\n  local: {cloud: local, swap: {ramp: [AKIA${"M".repeat(16)}]}}\n`,
      "environments.local.swap.ramp[0]",
    ],
  ])("%s is refused without being repeated", (_how, text, path) => {
    const refused = () => parseConfig(text);
    expect(refused).toThrow(expect.objectContaining({ code: "literal-secret", exitCode: 2 }));
    expect(refused).toThrow(`${path}: (not shown)`);
    expect(refused).not.toThrow(/hunter2-marker|mmmm|MMMM/);
  });

  it("in guard without the form of one is refused all the same, and not shown", () => {
    const text = "guard: {metrics: {datadog: {api_key_from: hunter2-marker}}}\nenvironments: {local: {cloud: local}}\n";
    const found = problems(text).join();
    expect(found).toContain("guard.metrics.datadog.api_key_from: (not shown): must say where the secret is");
    expect(found).not.toContain("hunter2");
  });

  it("is not the name of a variable, nor a reference", () => {
    const metrics = "swap: {metrics: {sources: {datadog: {api_key_variable: MY_KEY}}}}";
    expect(() => parseConfig(`environments:\n  local: {cloud: local, ${metrics}}\n`)).not.toThrow();
  });
});
