/**
 * Writes local/provider/generated/<package>.schema.json from the type files of the installed Pulumi SDKs: names, types and
 * required properties of the resources and functions that the local cloud simulates. `--check` only compares.
 *
 * The files are read as syntax, not checked as a program: the SDKs are generated, so a property's type is always one of a
 * few written forms, and a form that is new fails the run.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);

interface Package {
  readonly name: "gcp" | "kubernetes";
  readonly resources: readonly string[];
  readonly functions: readonly string[];
  /** Tokens of the CustomResources, which the SDK has one class for: beside kind and metadata it knows nothing of them but a `spec`. */
  readonly customResources?: readonly string[];
}

/** What is simulated, `<folder>:<class or function>`; the token is read from the SDK. */
const packages: readonly Package[] = [
  {
    name: "gcp",
    resources: [
      "certificatemanager:Certificate",
      "certificatemanager:CertificateMap",
      "certificatemanager:CertificateMapEntry",
      "certificatemanager:DnsAuthorization",
      "cloudrunv2:Service",
      "cloudrunv2:ServiceIamMember",
      "compute:BackendService",
      "compute:Firewall",
      "compute:GlobalAddress",
      "compute:GlobalForwardingRule",
      "compute:HealthCheck",
      "compute:Network",
      "compute:RegionNetworkEndpointGroup",
      "compute:Router",
      "compute:RouterNat",
      "compute:Subnetwork",
      "compute:TargetHttpProxy",
      "compute:TargetHttpsProxy",
      "compute:URLMap",
      "container:Cluster",
      "monitoring:AlertPolicy",
      "monitoring:Dashboard",
      "monitoring:UptimeCheckConfig",
      "projects:IAMMember",
      "secretmanager:SecretIamMember",
      "serviceaccount:Account",
      "serviceaccount:IAMMember",
    ],
    functions: [
      "compute:getNetworkEndpointGroup",
      "compute:getNetworkEndpointGroups",
      "organizations:getClientConfig",
      "organizations:getProject",
    ],
  },
  {
    name: "kubernetes",
    resources: [
      "apps/v1:Deployment",
      "autoscaling/v2:HorizontalPodAutoscaler",
      "core/v1:ConfigMap",
      "core/v1:Namespace",
      "core/v1:Secret",
      "core/v1:Service",
      "core/v1:ServiceAccount",
      "networking.k8s.io/v1:NetworkPolicy",
      "policy/v1:PodDisruptionBudget",
    ],
    functions: [],
    customResources: ["kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass"],
  },
];

/** Folders whose name differs from the token's module. */
const folders: Readonly<Record<string, string>> = { "networking.k8s.io/v1": "networking/v1" };

type Declarations = ReadonlyMap<string, ts.InterfaceDeclaration>;
type Properties = Record<string, string>;

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
}

/** Interfaces by qualified name, apps.v1.DeploymentSpec. */
function interfacesOf(source: ts.SourceFile): Declarations {
  const found = new Map<string, ts.InterfaceDeclaration>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isInterfaceDeclaration(node)) found.set(prefix + node.name.text, node);
    if (ts.isModuleDeclaration(node) && node.body !== undefined) {
      ts.forEachChild(node.body, (child) => visit(child, `${prefix}${node.name.text}.`));
    }
  };
  ts.forEachChild(source, (child) => visit(child, ""));
  return found;
}

class Generator {
  readonly #types: Declarations;
  readonly #needed = new Map<string, Properties>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#types = interfacesOf(parse(join(folder, "types/input.d.ts")));
  }

  /** Nested types that were met so far, sorted. */
  get types(): Record<string, Properties> {
    return sorted(this.#needed);
  }

  resource(name: string): readonly [token: string, schema: { in: Properties; out: readonly string[] }] {
    const { source, token, className } = this.#open(name);
    const args = interfacesOf(source).get(`${className}Args`);
    if (args === undefined) throw new Error(`${name} has no interface ${className}Args.`);
    return [token, { in: this.#properties(args), out: outputsOf(source, className) }];
  }

  function(name: string): readonly [token: string, schema: { in: Properties }] {
    const { source, token, className } = this.#open(name);
    const args = interfacesOf(source).get(`${className.charAt(0).toUpperCase()}${className.slice(1)}Args`);
    return [token, { in: args === undefined ? {} : this.#properties(args) }];
  }

  #open(name: string): { source: ts.SourceFile; token: string; className: string } {
    const [module = "", className = ""] = name.split(":");
    const folder = join(this.#folder, folders[module] ?? module);
    const base = readdirSync(folder)
      .filter((file) => file.endsWith(".d.ts") && file.toLowerCase() === `${className.toLowerCase()}.d.ts`)
      .at(0);
    if (base === undefined) throw new Error(`${name} has no type file in ${folder}.`);
    const file = join(folder, base);
    const code = readFileSync(file.replace(/\.d\.ts$/, ".js"), "utf8");
    const token = /__pulumiType = ['"]([^'"]+)['"]|invoke(?:Output)?\(["']([^"']+)["']/.exec(code);
    const text = token?.[1] ?? token?.[2];
    if (text === undefined) throw new Error(`${name}: no token in ${file}.`);
    return { source: parse(file), token: text, className };
  }

  #properties(declaration: ts.InterfaceDeclaration): Properties {
    const properties: [string, string][] = [];
    for (const member of declaration.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined) {
        throw new Error(`Not a property in ${declaration.name.text}: ${member.getText()}`);
      }
      // The real provider decides these itself and refuses a value.
      if (documentation(member).startsWith("(Output)")) continue;
      const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();
      const required = member.questionToken === undefined ? "!" : "";
      const deprecated = ts.getJSDocDeprecatedTag(member) === undefined ? "" : "~";
      properties.push([name, `${deprecated}${this.#type(member.type)}${required}`]);
    }
    return sorted(new Map(properties));
  }

  #type(node: ts.TypeNode): string {
    if (ts.isParenthesizedTypeNode(node)) return this.#type(node.type);
    if (ts.isUnionTypeNode(node)) {
      const parts = node.types.filter((part) => part.kind !== ts.SyntaxKind.UndefinedKeyword);
      return [...new Set(parts.map((part) => this.#type(part)))].join("|");
    }
    if (ts.isArrayTypeNode(node)) return `[${this.#type(node.elementType)}]`;
    if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) return JSON.stringify(node.literal.text);
    if (ts.isTypeLiteralNode(node)) {
      const index = node.members[0];
      if (node.members.length !== 1 || index === undefined || !ts.isIndexSignatureDeclaration(index)) {
        throw new Error(`Not a map: ${node.getText()}`);
      }
      return `{${this.#type(index.type)}}`;
    }
    if (ts.isTypeReferenceNode(node)) return this.#reference(node);
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return "string";
      case ts.SyntaxKind.NumberKeyword:
        return "number";
      case ts.SyntaxKind.BooleanKeyword:
        return "boolean";
      case ts.SyntaxKind.AnyKeyword:
        return "any";
      default:
        throw new Error(`A form of type that this generator does not know: ${node.getText()}`);
    }
  }

  #reference(node: ts.TypeReferenceNode): string {
    const name = node.typeName.getText();
    const argument = node.typeArguments?.[0];
    if (name === "pulumi.Input" && argument !== undefined) return this.#type(argument);
    // Open enums: the SDK takes any string beside the constants.
    if (name.startsWith("enums.")) return "string";
    if (!name.startsWith("inputs.")) throw new Error(`A type that this generator does not know: ${name}`);
    const key = name.slice("inputs.".length);
    if (!this.#needed.has(key)) {
      const declaration = this.#types.get(key);
      if (declaration === undefined) throw new Error(`No declaration of ${name}.`);
      this.#needed.set(key, {});
      this.#needed.set(key, this.#properties(declaration));
    }
    return `#${key}`;
  }
}

function documentation(node: ts.Node): string {
  const comment = ts.getJSDocCommentsAndTags(node).at(0)?.comment;
  return (typeof comment === "string" ? comment : (ts.getTextOfJSDocComment(comment) ?? "")).trim();
}

function outputsOf(source: ts.SourceFile, className: string): readonly string[] {
  const names: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isClassDeclaration(statement) || statement.name?.text !== className) continue;
    for (const member of statement.members) {
      const isStatic =
        ts.canHaveModifiers(member) && ts.getModifiers(member)?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword);
      if (ts.isPropertyDeclaration(member) && isStatic !== true) names.push(member.name.getText());
    }
  }
  return names.sort();
}

function sorted<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** One entry per line, so that a change of the SDK reads well as a difference. */
function print(value: { [key: string]: string | Record<string, unknown> }): string {
  const sections = Object.entries(value).map(([key, section]) => {
    if (typeof section === "string") return `${JSON.stringify(key)}: ${JSON.stringify(section)}`;
    const lines = Object.entries(section).map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    return `${JSON.stringify(key)}: {\n${lines.join(",\n")}\n}`;
  });
  return `{\n${sections.join(",\n")}\n}\n`;
}

/** The text of a package's schema file. */
export function generate(target: Package): string {
  const manifest = require.resolve(`@pulumi/${target.name}/package.json`);
  const version: unknown = JSON.parse(readFileSync(manifest, "utf8")).version;
  const generator = new Generator(dirname(manifest));
  const custom = (target.customResources ?? []).map((token) => {
    const names = ["apiVersion", "kind", "metadata", "spec"];
    const types: Properties = { apiVersion: "string!", kind: "string!", metadata: "#meta.v1.ObjectMeta", spec: "any!" };
    return [token, { in: types, out: names }] as const;
  });
  const resources = sorted(new Map([...target.resources.map((name) => generator.resource(name)), ...custom]));
  const functions = sorted(new Map(target.functions.map((name) => generator.function(name))));
  return print({
    package: `@pulumi/${target.name}`,
    version: String(version),
    resources,
    functions,
    types: generator.types,
  });
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  for (const target of packages) {
    const file = join(import.meta.dirname, "../local/provider/generated", `${target.name}.schema.json`);
    const text = generate(target);
    if (!check) writeFileSync(file, text);
    else if (readFileSync(file, "utf8") !== text) {
      process.stderr.write(
        `${target.name}.schema.json is not what the installed SDK says. Run: node tools/generate-schema.ts\n`,
      );
      process.exitCode = 1;
    }
  }
}
