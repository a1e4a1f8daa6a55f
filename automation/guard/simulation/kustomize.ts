/** The parts of kustomize that repositories of Istio use: resources, components, patches. Pure; files are passed in. */
import { parseAllDocuments, parseDocument } from "yaml";
import { at, type Fields, fieldsAt, isFields, listAt, textAt, textsAt } from "./dig.ts";
import type { Manifest } from "./kubernetes.ts";

/** Why a folder cannot be built; what Flux says as BuildFailed. */
export class BuildFailure extends Error {}

export interface SourceFiles {
  /** Text of a file; undefined when there is none. */
  text(path: string): string | undefined;
  /** Paths of files right in a folder, sorted. */
  files(folder: string): readonly string[];
  /** Paths of the folders right in a folder, sorted. */
  folders(folder: string): readonly string[];
}

const kustomizations = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;
const parsed = new Map<string, readonly Fields[]>();
/** Texts that are kept parsed, for all clusters; then it begins anew. */
const mostParsed = 5_000;

/** Documents of a YAML text that are mappings; many clusters share a file. */
export function documentsOf(text: string, path: string): readonly Fields[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const documents = parseAllDocuments(text);
  const found = (Array.isArray(documents) ? documents : []).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new BuildFailure(`${path}: ${error.message}`);
    const value: unknown = document.toJS();
    return isFields(value) ? [value] : [];
  });
  if (parsed.size >= mostParsed) parsed.clear();
  parsed.set(text, found);
  return found;
}

/** `a/b` of `./a/x/../b/`. */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

const inside = (folder: string, path: string): string => normalPath(`${folder}/${path}`);

/** All objects below a path, as kustomize builds it: a folder without a kustomization gives all of its files. Errors: BuildFailure. */
export function build(source: SourceFiles, path: string): readonly Manifest[] {
  return buildFields(source, normalPath(path)).flatMap((fields) => asManifest(fields) ?? []);
}

function buildFields(source: SourceFiles, path: string): readonly Fields[] {
  const text = source.text(path);
  if (text !== undefined) return documentsOf(text, path);
  const own = kustomizations.map((name) => inside(path, name)).find((file) => source.text(file) !== undefined);
  if (own !== undefined) return overlay(source, path, documentsOf(source.text(own) ?? "", own)[0] ?? {});
  const files = source.files(path).filter((file) => /\.ya?ml$/.test(file));
  const below = source.folders(path);
  if (files.length === 0 && below.length === 0) throw new BuildFailure(`${path}: no such file or directory`);
  return [
    ...files.flatMap((file) => documentsOf(source.text(file) ?? "", file)),
    ...below.flatMap((folder) => buildFields(source, folder)),
  ];
}

function overlay(source: SourceFiles, folder: string, kustomization: Fields): readonly Fields[] {
  const names = [...listAt(kustomization, "resources"), ...listAt(kustomization, "components")];
  const resources = names.flatMap((name) => {
    if (typeof name !== "string" || /^https?:|^git@|\?ref=/.test(name))
      throw new BuildFailure(`${folder}: ${String(name)} is a remote base`);
    return buildFields(source, inside(folder, name));
  });
  const inline = listAt(kustomization, "patches").map((patch) => {
    const file = textAt(patch, "path");
    const text = file === undefined ? textAt(patch, "patch") : source.text(inside(folder, file));
    if (text === undefined) throw new BuildFailure(`${folder}: patch ${file ?? ""} does not exist`);
    return { text, target: fieldsAt(patch, "target") };
  });
  const merges = listAt(kustomization, "patchesStrategicMerge").map((file) => {
    const text = typeof file === "string" ? source.text(inside(folder, file)) : undefined;
    if (text === undefined) throw new BuildFailure(`${folder}: patch ${String(file)} does not exist`);
    return { text, target: {} };
  });
  return patched(resources, [...inline, ...merges], folder);
}

interface Patch {
  readonly text: string;
  readonly target: Fields;
}

/** Objects with patches: lists of operations (JSON6902) for the target, else merged by kind and name. */
export function patched(objects: readonly Fields[], patches: readonly Patch[], place: string): readonly Fields[] {
  return patches.reduce<readonly Fields[]>((all, { text, target }) => {
    const operations: unknown = parseDocument(text).toJS();
    if (Array.isArray(operations))
      return all.map((one) => (isTarget(one, target) ? operations.reduce<Fields>(operate, one) : one));
    return documentsOf(text, place).reduce<readonly Fields[]>(
      (now, patch) =>
        now.map((one) =>
          (Object.keys(target).length > 0 ? isTarget(one, target) : sameObject(one, patch)) ? merged(one, patch) : one,
        ),
      all,
    );
  }, objects);
}

function isTarget(object: Fields, target: Fields): boolean {
  const { kind, name, namespace } = textsAt({ target }, "target");
  return (
    (kind === undefined || object["kind"] === kind) &&
    (name === undefined || new RegExp(`^(?:${name})$`).test(textAt(object, "metadata", "name") ?? "")) &&
    (namespace === undefined || textAt(object, "metadata", "namespace") === namespace)
  );
}

const sameObject = (one: Fields, patch: Fields): boolean =>
  one["kind"] === patch["kind"] && textAt(one, "metadata", "name") === textAt(patch, "metadata", "name");

function merged(one: Fields, patch: Fields): Fields {
  const result: Record<string, unknown> = { ...one };
  for (const [name, value] of Object.entries(patch)) {
    const before = one[name];
    if (value === null) delete result[name];
    else result[name] = isFields(before) && isFields(value) ? merged(before, value) : value;
  }
  return result;
}

function operate(object: Fields, operation: unknown): Fields {
  const path = (textAt(operation, "path") ?? "")
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const value = at(operation, "value");
  return setIn(object, path, textAt(operation, "op") === "remove" ? undefined : value);
}

function setIn(object: Fields, path: readonly string[], value: unknown): Fields {
  const [name, ...rest] = path;
  if (name === undefined) return object;
  const result: Record<string, unknown> = { ...object };
  if (rest.length > 0) result[name] = setIn(fieldsAt(object, name), rest, value);
  else if (value === undefined) delete result[name];
  else result[name] = value;
  return result;
}

const manifests = new WeakMap<Fields, Manifest>();

/** The same one for the same document. */
function asManifest(fields: Fields): Manifest | undefined {
  const known = manifests.get(fields);
  if (known !== undefined) return known;
  const { apiVersion, kind } = textsAt({ fields }, "fields");
  const name = textAt(fields, "metadata", "name");
  const namespace = textAt(fields, "metadata", "namespace");
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
  const manifest: Manifest = {
    ...fields,
    apiVersion,
    kind,
    metadata: { ...fieldsAt(fields, "metadata"), name, ...(namespace === undefined ? {} : { namespace }) },
  };
  manifests.set(fields, manifest);
  return manifest;
}

/** Flux's variables in a text: `${name}`, `${name:=standard}`, `${name:-standard}`; `$${name}` stays as `${name}`. */
export function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$?\$\{([A-Za-z_]\w*)(?::[=-]([^}]*))?\}/g,
    (whole, name: string, standard: string | undefined) =>
      whole.startsWith("$$") ? whole.slice(1) : (values[name] ?? standard ?? ""),
  );
}
