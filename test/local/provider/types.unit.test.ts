import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Properties } from "../../../local/compute/resources.ts";
import { gcpFunctions, gcpTypes } from "../../../local/provider/gcp/index.ts";
import { kubernetesTypes } from "../../../local/provider/kubernetes/index.ts";
import { parsePath } from "../../../local/provider/properties.ts";
import {
  type PropertySpecs,
  type ProviderSchema,
  parseType,
  readSchema,
  sdkVersion,
  type TypeSpec,
} from "../../../local/provider/schema.ts";

const settings = { project: "p", region: "r", zone: "r-a", cluster: "c" };

/** Whether a path of a type's constants leads to a property that the SDK knows. */
function leadsSomewhere(
  path: readonly (string | number)[],
  properties: PropertySpecs,
  schema: ProviderSchema,
): boolean {
  const [first, ...rest] = path;
  const property = properties.get(String(first));
  if (property === undefined) return false;
  let type: TypeSpec | undefined = property.type;
  while (rest.length > 0 && (type?.kind === "list" || type?.kind === "map")) {
    type = type.of;
    rest.shift();
  }
  if (rest.length === 0) return true;
  return type?.kind === "object" && leadsSomewhere(rest, schema.object(type.name), schema);
}

describe.each([
  { provider: "gcp" as const, types: gcpTypes },
  { provider: "kubernetes" as const, types: kubernetesTypes },
])("$provider", ({ provider, types }) => {
  const schema = readSchema(provider);

  test.each(types.map((type) => [type.token, type] as const))("%s fits the SDK", (token, type) => {
    const resource = schema.resource(token);
    if (resource === undefined) throw new Error(`${token} is not in the generated schema.`);
    for (const path of [...type.replaceOn, ...(type.autoName === undefined ? [] : [type.autoName.property])]) {
      expect(leadsSomewhere(parsePath(path), resource.inputs, schema), `input ${path}`).toBe(true);
    }
    for (const path of [...type.unknownAtPreview, ...(type.secretOutputs ?? [])]) {
      const top = String(parsePath(path)[0]);
      // stringData of a Secret comes back as it was given.
      expect(resource.outputs.has(top) || resource.inputs.has(top), `output ${path}`).toBe(true);
    }
    const inputs: Properties = type.defaults?.({}, settings) ?? {};
    for (const name of Object.keys(inputs)) expect(resource.inputs.has(name), `default ${name}`).toBe(true);
    for (const name of Object.keys(type.outputs(inputs, type.id(inputs, settings), settings))) {
      expect(resource.outputs.has(name), `output ${name}`).toBe(true);
    }
  });

  test("no token is there twice", () => {
    expect(new Set(types.map((type) => type.token)).size).toBe(types.length);
  });

  test("the schema is of the installed SDK", () => {
    expect(schema.version).toBe(sdkVersion(provider));
  });
});

test("every function is in the generated schema", () => {
  const schema = readSchema("gcp");
  for (const entry of gcpFunctions) expect(schema.function(entry.token), entry.token).toBeDefined();
});

test("type specifications are parsed", () => {
  expect(parseType('{[#a.B]|"x|y"}')).toEqual({
    kind: "map",
    of: {
      kind: "union",
      of: [
        { kind: "list", of: { kind: "object", name: "a.B" } },
        { kind: "literal", value: "x|y" },
      ],
    },
  });
  expect(() => parseType("strin")).toThrow("Not a type");
});

test("the generated files are what the generator makes of the installed SDKs", () => {
  const tool = join(import.meta.dirname, "../../../tools/generate-schema.ts");
  expect(() => execFileSync(process.execPath, [tool, "--check"])).not.toThrow();
});
