import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { configFile, loadConfig, parseConfig } from "../../../automation/cli/config-file.ts";
import { configTemplate } from "../../../automation/cli/config-template.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
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

  it("needs a project and an image of a registry for a cloud", () => {
    expect(problems(environment("cloud: google"))).toEqual([
      "environments.prod.project: missing: is needed for a cloud",
      expect.stringMatching(/^environments\.prod\.image: .*a cloud needs an image with digest/),
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
