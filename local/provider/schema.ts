import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";

/** What the SDKs' own types say of the simulated resources: the generated files, made by tools/generate-schema.ts. */

export type TypeSpec =
  | { readonly kind: "string" | "number" | "boolean" | "any" }
  | { readonly kind: "list" | "map"; readonly of: TypeSpec }
  | { readonly kind: "object"; readonly name: string }
  | { readonly kind: "literal"; readonly value: string }
  | { readonly kind: "union"; readonly of: readonly TypeSpec[] };

export interface PropertySpec {
  readonly type: TypeSpec;
  readonly required: boolean;
  readonly deprecated: boolean;
}

export type PropertySpecs = ReadonlyMap<string, PropertySpec>;

export interface ResourceSchema {
  readonly inputs: PropertySpecs;
  readonly outputs: ReadonlySet<string>;
}

export interface ProviderSchema {
  /** The SDK's version that the file was made from. */
  readonly version: string;
  readonly resourceTokens: readonly string[];
  readonly functionTokens: readonly string[];
  resource(token: string): ResourceSchema | undefined;
  /** A function's arguments. */
  function(token: string): PropertySpecs | undefined;
  /** A nested type's properties. */
  object(name: string): PropertySpecs;
}

const propertiesSchema = z.record(z.string(), z.string());
const fileSchema = z.object({
  package: z.string(),
  version: z.string(),
  resources: z.record(z.string(), z.object({ in: propertiesSchema, out: z.array(z.string()) })),
  functions: z.record(z.string(), z.object({ in: propertiesSchema })),
  types: z.record(z.string(), propertiesSchema),
});

/** Makes a schema of the parsed JSON of a generated file. Property types are parsed on first use. */
export function loadSchema(json: unknown): ProviderSchema {
  const file = fileSchema.parse(json);
  const parsed = new Map<string, PropertySpecs>();
  const specs = (key: string, properties: Record<string, string>): PropertySpecs => {
    let found = parsed.get(key);
    if (found === undefined) {
      found = new Map(Object.entries(properties).map(([name, spec]) => [name, parseProperty(spec)]));
      parsed.set(key, found);
    }
    return found;
  };
  return {
    version: file.version,
    resourceTokens: Object.keys(file.resources),
    functionTokens: Object.keys(file.functions),
    resource(token) {
      const resource = file.resources[token];
      if (resource === undefined) return undefined;
      return { inputs: specs(`resource ${token}`, resource.in), outputs: new Set(resource.out) };
    },
    function(token) {
      const found = file.functions[token];
      return found === undefined ? undefined : specs(`function ${token}`, found.in);
    },
    object(name) {
      const found = file.types[name];
      if (found === undefined) throw new Error(`The generated schema has no type ${name}.`);
      return specs(`type ${name}`, found);
    },
  };
}

/** The schema of a provider, from its generated file. */
export function readSchema(name: "gcp" | "kubernetes"): ProviderSchema {
  const file = join(import.meta.dirname, "generated", `${name}.schema.json`);
  return loadSchema(JSON.parse(readFileSync(file, "utf8")));
}

const manifestSchema = z.object({ version: z.string() });

/** The version of the installed SDK, which is what the provider says of itself. */
export function sdkVersion(name: "gcp" | "kubernetes"): string {
  const file = createRequire(import.meta.url).resolve(`@pulumi/${name}/package.json`);
  return manifestSchema.parse(JSON.parse(readFileSync(file, "utf8"))).version;
}

/** `[~]TYPE[!]`: deprecated, required. */
function parseProperty(spec: string): PropertySpec {
  const deprecated = spec.startsWith("~");
  const required = spec.endsWith("!");
  return { type: parseType(spec.slice(deprecated ? 1 : 0, required ? -1 : undefined)), required, deprecated };
}

/** TYPE: string, number, boolean, any, "literal", #object, [list], {map}, a|b. */
export function parseType(spec: string): TypeSpec {
  const alternatives = splitUnion(spec);
  if (alternatives.length > 1) return { kind: "union", of: alternatives.map(parseType) };
  switch (spec) {
    case "string":
    case "number":
    case "boolean":
    case "any":
      return { kind: spec };
  }
  if (spec.startsWith("#")) return { kind: "object", name: spec.slice(1) };
  if (spec.startsWith('"')) return { kind: "literal", value: z.string().parse(JSON.parse(spec)) };
  if (spec.startsWith("[")) return { kind: "list", of: parseType(spec.slice(1, -1)) };
  if (spec.startsWith("{")) return { kind: "map", of: parseType(spec.slice(1, -1)) };
  throw new Error(`Not a type: ${spec}`);
}

/** Parts of a union at the outermost level. */
function splitUnion(spec: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < spec.length; i++) {
    const character = spec.charAt(i);
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    else if (character === "|" && depth === 0) {
      parts.push(spec.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(spec.slice(start));
  return parts;
}

/** A type in words, for messages. */
export function describeType(type: TypeSpec): string {
  switch (type.kind) {
    case "list":
      return `a list of ${plural(type.of)}`;
    case "map":
      return `a map of ${plural(type.of)}`;
    case "object":
      return "an object";
    case "literal":
      return JSON.stringify(type.value);
    case "union":
      return type.of.map(describeType).join(" or ");
    case "any":
      return "any value";
    default:
      return `a ${type.kind}`;
  }
}

function plural(type: TypeSpec): string {
  switch (type.kind) {
    case "object":
      return "objects";
    case "string":
    case "number":
    case "boolean":
      return `${type.kind}s`;
    default:
      return `values that are ${describeType(type)}`;
  }
}
