import { describe, expect, test } from "vitest";
import type { Properties } from "../../../local/compute/resources.ts";
import type { Autonaming } from "../../../local/provider/auto-name.ts";
import { check, isAutoNamed, mergeMissing } from "../../../local/provider/check.ts";
import { closest } from "../../../local/provider/nearest-name.ts";
import { UNKNOWN } from "../../../local/provider/properties.ts";
import type { ProviderSettings, ResourceType } from "../../../local/provider/resource-type.ts";
import { loadSchema } from "../../../local/provider/schema.ts";

const settings: ProviderSettings = { project: "p", region: "r", zone: "r-a", cluster: undefined };

const schema = loadSchema({
  package: "@pulumi/test",
  version: "1.0.0",
  resources: {
    thing: {
      in: {
        name: "string",
        project: "string",
        size: "number!",
        mode: '"on"|"off"',
        port: "number|string",
        parts: "[#Part]",
        labels: "{string}",
        metadata: "#Metadata",
      },
      out: ["name"],
    },
  },
  functions: {},
  types: { Part: { image: "string!", "old-way": "~boolean" }, Metadata: { name: "string", annotations: "{string}" } },
});

const thing: ResourceType = {
  token: "thing",
  replaceOn: ["name"],
  autoName: { property: "name", maxLength: 20 },
  unknownAtPreview: [],
  defaults: (_inputs, current) => ({ project: current.project, metadata: { annotations: { a: "1" } } }),
  validate: (inputs) => (inputs["size"] === 13 ? [{ property: "size", reason: "Unlucky." }] : []),
  id: (inputs) => `things/${String(inputs["name"])}`,
  outputs: (inputs) => inputs,
};

function run(
  news: Properties,
  options: {
    olds?: Properties;
    taken?: readonly string[];
    autonaming?: Autonaming;
    name?: string;
    type?: ResourceType;
  } = {},
): { inputs: Properties; failures: readonly { property: string; reason: string }[] } {
  const name = options.name ?? "web";
  const result = check(options.type ?? thing, schema, {
    urn: `urn:pulumi:dev::test::thing::${name}`,
    name,
    news: { values: news, secrets: [] },
    olds: options.olds ?? {},
    settings,
    autonaming: options.autonaming ?? { mode: "provider" },
    exists: (id) => options.taken?.includes(id) ?? false,
  });
  return { inputs: result.inputs.values, failures: result.failures };
}

describe("names", () => {
  test("are made of the logical name and 7 hex digits, the same in preview and update", () => {
    const first = run({ size: 1 }).inputs["name"];
    expect(first).toMatch(/^web-[0-9a-f]{7}$/);
    expect(run({ size: 1 }).inputs["name"]).toBe(first);
    expect(run({ size: 1 }, { name: "Web" }).inputs["name"]).toMatch(/^web-/);
  });

  test("another one is made where the name is taken", () => {
    const first = String(run({ size: 1 }).inputs["name"]);
    const second = run({ size: 1 }, { taken: [`things/${first}`] }).inputs["name"];
    expect(second).toMatch(/^web-[0-9a-f]{7}$/);
    expect(second).not.toBe(first);
  });

  test("are kept from the old inputs if they were made, not if they were given", () => {
    const olds = { name: "web-1234567", __defaults: ["name"] };
    expect(run({ size: 1 }, { olds }).inputs["name"]).toBe("web-1234567");
    expect(run({ size: 1 }, { olds: { name: "mine", __defaults: [] } }).inputs["name"]).not.toBe("mine");
  });

  test("are what the program gives, also when that is not known yet", () => {
    expect(run({ size: 1, name: "mine" }).inputs).toMatchObject({ name: "mine", __defaults: ["metadata", "project"] });
    expect(run({ size: 1, name: UNKNOWN }).inputs["name"]).toBe(UNKNOWN);
  });

  test("too long for the platform are refused", () => {
    expect(run({ size: 1 }, { name: "a-logical-name" }).failures).toEqual([
      { property: "name", reason: expect.stringContaining("longer than 20") },
    ]);
  });

  test("follow the stack's naming settings", () => {
    expect(run({ size: 1 }, { autonaming: { mode: "enforced", name: "x" } }).inputs["name"]).toBe("x");
    expect(run({ size: 1 }, { autonaming: { mode: "disabled" } }).failures[0]?.property).toBe("name");
  });

  test("of Kubernetes objects are marked by an annotation", () => {
    const type: ResourceType = {
      ...thing,
      autoName: { property: "metadata.name", maxLength: 253, hexDigits: 8, annotation: "pulumi.com/autonamed" },
    };
    const { inputs } = run({ size: 1, metadata: { annotations: { own: "x" } } }, { type });
    expect(inputs["metadata"]).toEqual({
      name: expect.stringMatching(/^web-[0-9a-f]{8}$/),
      annotations: { own: "x", a: "1", "pulumi.com/autonamed": "true" },
    });
    expect(inputs["__defaults"]).toBeUndefined();
    expect(isAutoNamed(type, inputs)).toBe(true);
    expect(isAutoNamed(type, { metadata: { name: "x" } })).toBe(false);
  });
});

describe("inputs", () => {
  test("all problems are reported at once, with path and what is known", () => {
    const { failures } = run({ parts: [{ imagee: "x" }, { image: 1 }], mode: "of", labels: { a: 1 }, port: true });
    expect(failures.map((failure) => failure.property).sort()).toEqual([
      "labels.a",
      "mode",
      "parts[0].image",
      "parts[0].imagee",
      "parts[1].image",
      "port",
      "size",
    ]);
    expect(failures.find((failure) => failure.property === "parts[0].imagee")?.reason).toBe(
      "The provider knows no property of that name. Did you mean image? Known here: image, old-way.",
    );
  });

  test("what is not known yet fits every type", () => {
    expect(run({ size: UNKNOWN, parts: UNKNOWN, labels: { a: UNKNOWN }, mode: UNKNOWN }).failures).toEqual([]);
    expect(run({ size: 1, parts: [UNKNOWN, { image: UNKNOWN }] }).failures).toEqual([]);
  });

  test("a message never holds a value", () => {
    const { failures } = run({ size: "hunter2", parts: "hunter2" });
    expect(JSON.stringify(failures)).not.toContain("hunter2");
  });

  test("rules of the type come after the schema", () => {
    expect(run({ size: 13 }).failures).toEqual([{ property: "size", reason: "Unlucky." }]);
    expect(run({ size: 13, nope: 1 }).failures).toHaveLength(1);
  });

  test("null is absent, except in lists and maps", () => {
    expect(run({ size: 1, mode: null, parts: null }).failures).toEqual([]);
    expect(run({ size: null }).failures[0]?.property).toBe("size");
    expect(run({ size: 1, parts: [null] }).failures[0]?.property).toBe("parts[0]");
  });

  test("defaults fill in what is missing: objects are merged, lists are not", () => {
    const given: Properties = { a: 1, o: { x: 1 }, l: [1], n: null };
    expect(mergeMissing(given, { a: 2, b: 3, o: { x: 2, y: 3 }, l: [2, 3], n: 4 })).toEqual({
      a: 1,
      b: 3,
      o: { x: 1, y: 3 },
      l: [1],
      n: 4,
    });
  });
});

test("the nearest name is near", () => {
  expect(closest("contaners", ["containers", "volumes"])).toBe("containers");
  expect(closest("Location", ["location"])).toBe("location");
  expect(closest("zebra", ["containers", "volumes"])).toBeUndefined();
});
