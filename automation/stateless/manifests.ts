/** Kubernetes manifests, rendered, as resources with the line of everything in them. Pure: text in, resources out. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { ManifestFile } from "../ports/manifest-files.ts";
import type { Finding, Path, ScannedResource } from "./finding.ts";

/** What files hold. */
export interface Manifests {
  readonly resources: readonly ScannedResource[];
  /** What could not be read, as findings that make the verdict "cannot tell". */
  readonly problems: readonly Finding[];
  /** Files of folders that hold no manifest at all, such as a chart's values; not judged. */
  readonly skipped: readonly string[];
}

/** Reads all files. What does not parse becomes a problem; the rest of the file and the other files are still read. */
export function readManifests(files: readonly ManifestFile[]): Manifests {
  const read = files.map(readFile);
  return {
    resources: read.flatMap(({ resources }) => resources),
    problems: read.flatMap(({ problems }) => problems),
    skipped: read.flatMap(({ skipped }) => skipped),
  };
}

/** A part of a file that is one YAML document, or the JSON in it. */
interface Part {
  readonly content: unknown;
  readonly lineOf: (path: Path) => number;
}

function readFile(source: ManifestFile): Manifests {
  const { file, text } = source;
  if (text === undefined) {
    return { resources: [], problems: [unreadable(file, 1, source.problem ?? "it cannot be read")], skipped: [] };
  }
  const problems: Finding[] = [];
  const parts = partsOf(file, text, problems);
  const resources: ScannedResource[] = [];
  const strangers: number[] = [];
  for (const part of parts) {
    for (const { object, at } of unroll(part.content, [])) {
      const resource = asResource(file, object, at, part);
      if (resource === undefined) strangers.push(part.lineOf(at));
      else resources.push(resource);
    }
  }
  const template = templateLine(text);
  if (template !== undefined && problems.length === 0) problems.push(unreadable(file, template, templated));
  if (!source.named && resources.length === 0 && problems.length === 0) {
    return { resources, problems, skipped: strangers.length > 0 ? [file] : [] };
  }
  for (const line of strangers) problems.push(unreadable(file, line, "this document has no apiVersion and kind"));
  return { resources, problems, skipped: [] };
}

const templated = "this is a template that is not rendered";

/** The first line that only Helm understands; braces alone also stand in dashboards and alert rules. */
function templateLine(text: string): number | undefined {
  const at = text.search(/\{\{-?\s*(\$?\.?(Values|Release|Chart|Capabilities|Template)\.|include\s+"|template\s+")/);
  return at < 0 ? undefined : lineAt(text, at);
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

function partsOf(file: string, text: string, problems: Finding[]): readonly Part[] {
  if (/^\s*[[{](?!\{)/.test(text)) {
    const json = parseJson(text);
    if (json !== undefined) return [{ content: json, lineOf: lazyLines(text) }];
  }
  const lines = new LineCounter();
  try {
    return [
      ...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" }),
    ].flatMap((document) => partOf(file, text, document, lines, problems));
  } catch (error) {
    problems.push(unreadable(file, 1, error instanceof Error ? error.message : String(error)));
    return [];
  }
}

function partOf(
  file: string,
  text: string,
  document: Document.Parsed,
  lines: LineCounter,
  problems: Finding[],
): readonly Part[] {
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    const reason = text.includes("{{") ? templated : error.message;
    problems.push(unreadable(file, line, reason));
    return [];
  }
  try {
    const content: unknown = document.toJS();
    if (content === null || content === undefined) return [];
    return [{ content, lineOf: (path) => lineIn(document, lines, path) }];
  } catch (thrown) {
    // Aliases that multiply beyond measure.
    const { line } = lines.linePos(document.range[0]);
    problems.push(unreadable(file, line, thrown instanceof Error ? thrown.message : String(thrown)));
    return [];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It may still be YAML, whose parser says where it is wrong.
    return undefined;
  }
}

/** JSON is parsed by the faster parser; who asks for a line pays for the one that knows lines. */
function lazyLines(text: string): (path: Path) => number {
  let found: ((path: Path) => number) | undefined;
  return (path) => {
    if (found === undefined) {
      const lines = new LineCounter();
      const [document] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
      found = document === undefined ? () => 1 : (asked) => lineIn(document as Document.Parsed, lines, asked);
    }
    return found(path);
  };
}

/** Line of a path's key or item; of what is not there, of the closest part that is. */
function lineIn(document: Document.Parsed, lines: LineCounter, path: Path): number {
  let node: Node | null | undefined = document.contents;
  let position = node?.range?.[0] ?? document.range[0];
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    let at: number | undefined;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      next = pair?.value;
      at = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    } else if (isSeq(node) && typeof part === "number") {
      next = node.items[part];
      at = (next as Node | undefined)?.range?.[0];
    }
    if (at === undefined) break;
    position = at;
    node = next as Node | null | undefined;
  }
  return lines.linePos(position).line;
}

/** The objects of a document: lists of Kubernetes and of JSON taken apart. */
function* unroll(content: unknown, at: Path): Generator<{ object: unknown; at: Path }> {
  if (Array.isArray(content)) {
    for (const [index, item] of content.entries()) yield* unroll(item, [...at, index]);
    return;
  }
  if (!isObject(content)) {
    yield { object: content, at };
    return;
  }
  const { kind, apiVersion, items } = content;
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) {
    yield { object: content, at };
    return;
  }
  for (const [index, item] of items.entries()) {
    // Items of a typed list may leave out what the list says.
    const known = kind !== "List" && isObject(item) ? { apiVersion, kind: kind.replace(/List$/, ""), ...item } : item;
    yield* unroll(known, [...at, "items", index]);
  }
}

function asResource(file: string, object: unknown, at: Path, part: Part): ScannedResource | undefined {
  if (!isObject(object)) return undefined;
  const { apiVersion, kind, metadata } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const { name, generateName, namespace } = isObject(metadata) ? metadata : {};
  const own =
    typeof name === "string" ? name : typeof generateName === "string" ? `${generateName}*` : "without a name";
  return {
    type: `${apiVersion}/${kind}`,
    name: typeof namespace === "string" ? `${namespace}/${own}` : own,
    object,
    get where() {
      return `${file}:${part.lineOf(at)}`;
    },
    whereIn: (path) => `${file}:${part.lineOf([...at, ...path])}`,
  };
}

function unreadable(file: string, line: number, reason: string): Finding {
  const where = `${file}:${line}`;
  return {
    rule: "manifest-unreadable",
    level: "cannot-tell",
    resource: { type: "file", name: file, where },
    where,
    path: "",
    reason: `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`,
    fix:
      reason === templated
        ? "Render it first, for example with helm template, and scan what comes out."
        : "Correct the file, or leave it out if it is no manifest.",
    class: undefined,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
