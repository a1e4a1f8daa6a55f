/** Folders as kustomize builds them, with every value's place kept. What cannot be followed is a problem of the build. Pure. */
import type { Problem } from "./edit.ts";
import { envEntries } from "./env-file.ts";
import { type BuiltObject, isA, moved, nameOf, objectsOf, renamed } from "./object.ts";
import { type Patched, type PatchText, patched, patchesOf } from "./patch.ts";
import { baseName, folderOf, type Repository, resolvePath } from "./repository.ts";
import {
  itemsAt,
  type Leaf,
  leafAt,
  literal,
  type MapTree,
  overlay,
  pointerTo,
  type Tree,
  textAt,
  textsOf,
} from "./tree.ts";
import { retagged } from "./workload-images.ts";

export interface Build {
  readonly objects: readonly BuiltObject[];
  /** Files that have a part in it. */
  readonly reads: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** Those of them behind which there may be objects that nobody sees. */
  readonly doubts: readonly Problem[];
}

const kustomizationNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;
/** What makes or changes objects in ways that are not followed here. */
const unfollowed = ["replacements", "vars", "transformers", "generators", "helmCharts", "helmChartInflationGenerator"];
export const isKustomizationFile = (path: string): boolean =>
  kustomizationNames.some((name) => baseName(path) === name);

const remote = /^(?:[a-z][a-z0-9+.-]*:|[^/]+@)|\?ref=|^(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\//i;

class Collected {
  objects: readonly BuiltObject[] = [];
  readonly reads = new Set<string>();
  readonly problems: Problem[] = [];
  readonly doubts: Problem[] = [];

  add({ objects, reads, problems, doubts }: Build): void {
    this.objects = [...this.objects, ...objects];
    for (const path of reads) this.reads.add(path);
    this.problems.push(...problems);
    this.doubts.push(...doubts);
  }

  take({ objects, problems }: Patched): void {
    this.objects = objects;
    this.problems.push(...problems);
  }
}

export class Kustomize {
  readonly #repository: Repository;
  readonly #built = new Map<string, Build>();
  readonly #open = new Set<string>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  kustomizationOf(folder: string): string | undefined {
    const files = this.#repository.filesIn(folder);
    return kustomizationNames
      .map((name) => (folder === "" ? name : `${folder}/${name}`))
      .find((path) => files.includes(path));
  }

  /** A file, a folder with a kustomization, or one for which Flux makes it: every manifest below. `from`: who names the path. */
  build(path: string, from: string): Build {
    const known = this.#built.get(path);
    if (known !== undefined) return known;
    if (this.#open.has(path))
      return this.#failed(from, `${path} is part of itself`, "Take the circle out of the resources.");
    this.#open.add(path);
    const made = this.#make(path, from);
    this.#open.delete(path);
    this.#built.set(path, made);
    return made;
  }

  #failed(file: string, why: string, fix: string): Build {
    const problems = [{ file, what: "It cannot be built", why, fix }];
    return { objects: [], reads: new Set(), problems, doubts: problems };
  }

  #make(path: string, from: string): Build {
    if (this.#repository.text(path) !== undefined) return this.#file(path);
    if (!this.#repository.isFolder(path))
      return this.#failed(from, `there is no ${path}`, "Correct the path, or add what it names.");
    const kustomization = this.kustomizationOf(path);
    return kustomization === undefined ? this.#generated(path) : this.#kustomization(path, kustomization, []);
  }

  #file(path: string): Build {
    const { trees, problem } = this.#repository.trees(path);
    const problems =
      problem === undefined
        ? []
        : [{ file: path, what: "It is no YAML that can be read", why: problem, fix: "Correct the file." }];
    return {
      objects: trees.flatMap(({ tree, document }) => objectsOf(tree, path, document)),
      reads: new Set([path]),
      problems,
      doubts: problems,
    };
  }

  #generated(folder: string): Build {
    const collected = new Collected();
    for (const path of this.#repository.filesIn(folder)) if (/\.ya?ml$/.test(path)) collected.add(this.#file(path));
    for (const inner of this.#repository.foldersIn(folder))
      collected.add(this.kustomizationOf(inner) === undefined ? this.#generated(inner) : this.build(inner, folder));
    return collected;
  }

  #resources(collected: Collected, folder: string, kustomization: string, names: readonly string[]): void {
    for (const name of names) {
      const path = resolvePath(folder, name);
      const isFile = path !== undefined && this.#repository.text(path) !== undefined;
      if (path !== undefined && (isFile || this.#repository.isFolder(path))) {
        if (!isFile && this.kustomizationOf(path) === undefined)
          collected.add(this.#failed(kustomization, `${path} has no kustomization.yaml`, "Add one, or name files."));
        else collected.add(this.build(path, kustomization));
      } else if (remote.test(name))
        collected.problems.push({
          file: kustomization,
          what: "It builds on something outside this repository",
          why: `what ${name} holds cannot be seen`,
          fix: "Copy it into the repository, or apply it by a Flux Kustomization of its own.",
        });
      else collected.add(this.#failed(kustomization, `there is no ${name}`, "Correct the path, or add what it names."));
    }
  }

  /** `below`: what a component stands on. */
  #kustomization(folder: string, path: string, below: readonly BuiltObject[]): Build {
    const collected = new Collected();
    collected.reads.add(path);
    collected.objects = below;
    const { trees, problem } = this.#repository.trees(path);
    const [first] = trees;
    if (problem !== undefined || first === undefined) {
      collected.add(this.#failed(path, problem ?? "it is empty", "Correct the file."));
      return collected;
    }
    const { tree } = first;
    for (const key of unfollowed)
      if (itemsAt(tree, key).length > 0)
        collected.problems.push({
          file: path,
          what: `It uses ${key}`,
          why: "what they do to versions is not followed",
          fix: "Say the version by a patch or a variable of Flux instead.",
        });
    this.#resources(collected, folder, path, textsOf([...itemsAt(tree, "resources"), ...itemsAt(tree, "bases")]));
    for (const name of textsOf(itemsAt(tree, "components"))) this.component(collected, folder, name, path);
    this.#generators(collected, tree, folder, path);
    const resolve = (name: string): string => resolvePath(folder, name) ?? name;
    const patches: PatchText[] = [];
    for (const item of itemsAt(tree, "patchesStrategicMerge")) {
      if (item.kind !== "leaf") continue;
      const file = resolve(item.value);
      const inline = item.value.includes("\n");
      patches.push(inline ? { inline: item, target: undefined } : { path: file, target: undefined });
    }
    patches.push(...patchesOf(tree, resolve, "patches"), ...patchesOf(tree, resolve, "patchesJson6902"));
    this.transform(collected, tree, patches, path);
    return collected;
  }

  component(collected: Collected, folder: string, name: string, from: string): void {
    const path = resolvePath(folder, name);
    const kustomization = path === undefined ? undefined : this.kustomizationOf(path);
    if (path === undefined || kustomization === undefined) {
      const outside = remote.test(name);
      const why = outside ? `what ${name} holds cannot be seen` : `there is no component ${name}`;
      collected.add(this.#failed(from, why, outside ? "Copy it into the repository." : "Correct the path."));
      return;
    }
    const built = this.#kustomization(path, kustomization, collected.objects);
    collected.objects = [];
    collected.add(built);
  }

  /** What a kustomization.yaml and the spec of a Flux Kustomization have in common. */
  transform(collected: Collected, tree: Tree, patches: readonly PatchText[], file: string): void {
    for (const { path } of patches) if (path !== undefined) collected.reads.add(path);
    collected.take(patched(this.#repository, collected.objects, patches, file));
    const namespace = textAt(tree, "namespace") ?? textAt(tree, "targetNamespace");
    if (namespace !== undefined) collected.objects = collected.objects.map((object) => moved(object, namespace));
    const [prefix = "", suffix = ""] = [textAt(tree, "namePrefix"), textAt(tree, "nameSuffix")];
    if (prefix !== "" || suffix !== "")
      collected.objects = collected.objects.map((object) => renamed(object, prefix, suffix));
    collected.objects = retagged(collected.objects, itemsAt(tree, "images"));
  }

  #generators(collected: Collected, tree: Tree, folder: string, file: string): void {
    for (const [key, kind] of [
      ["configMapGenerator", "ConfigMap"],
      ["secretGenerator", "Secret"],
    ] as const)
      for (const item of itemsAt(tree, key)) {
        const made = this.#generate(collected, item, kind, folder, file);
        const behavior = textAt(item, "behavior");
        const old = collected.objects.find((one) => isA(one, "", kind) && one.names.includes(nameOf(made)));
        if (old === undefined || behavior === undefined || behavior === "create")
          collected.objects = [...collected.objects, made];
        else {
          const merged = behavior === "merge" ? (overlay(old.tree, made.tree) ?? made.tree) : made.tree;
          collected.objects = collected.objects.map((one) => (one === old ? { ...one, tree: merged } : one));
        }
      }
  }

  #generate(collected: Collected, item: Tree, kind: string, folder: string, file: string): BuiltObject {
    const data = new Map<string, Tree>();
    for (const entry of textsOf(itemsAt(item, "files"))) {
      const [first = "", second] = entry.split(/=(.*)/s);
      const path = resolvePath(folder, second ?? first) ?? first;
      const text = this.#repository.text(path);
      collected.reads.add(path);
      if (text === undefined)
        collected.problems.push(
          ...this.#failed(file, `there is no ${path}`, "Correct the path, or add what it names.").problems,
        );
      else data.set(second === undefined ? baseName(path) : first, { ...literal(text), file: path });
    }
    for (const entry of itemsAt(item, "literals")) if (entry.kind === "leaf") addLiteral(data, entry);
    for (const entry of [
      ...textsOf(itemsAt(item, "envs")),
      ...textsOf([leafAt(item, "env")].flatMap((one) => one ?? [])),
    ]) {
      const path = resolvePath(folder, entry) ?? entry;
      collected.reads.add(path);
      for (const { key, value } of envEntries(this.#repository.text(path) ?? "")) {
        const pointer = pointerTo(key);
        const place = { path, document: 0, pointer, format: "env" } as const;
        const part = { text: value, place, offset: 0, at: pointer, via: "generator" } as const;
        data.set(key, { kind: "leaf", value, isNull: false, parts: [part] });
      }
    }
    const name = textAt(item, "name") ?? "";
    const namespace = textAt(item, "namespace");
    const metadata: MapTree = {
      kind: "map",
      entries: new Map([
        ["name", literal(name)],
        ...(namespace === undefined ? [] : [["namespace", literal(namespace)] as const]),
      ]),
    };
    const entries = new Map<string, Tree>([
      ["apiVersion", literal("v1")],
      ["kind", literal(kind)],
      ["metadata", metadata],
      ["data", { kind: "map", entries: data }],
    ]);
    return { tree: { kind: "map", entries }, path: file, document: 0, names: [name] };
  }

  /** A Flux Kustomization's own part on top of a build. */
  applied(build: Build, spec: Tree, folder: string, file: string): Build {
    const collected = new Collected();
    collected.add(build);
    const root = this.#repository.isFolder(folder) ? folder : folderOf(folder);
    for (const name of textsOf(itemsAt(spec, "components"))) this.component(collected, root, name, file);
    this.transform(
      collected,
      spec,
      patchesOf(spec, (path) => path, "patches"),
      file,
    );
    return collected;
  }
}

/** `key=value`: the value is a piece of the scalar. */
function addLiteral(data: Map<string, Tree>, entry: Leaf): void {
  const [, key, quote, inner] = /^([^=]+)=(["']?)(.*)\2$/s.exec(entry.value) ?? [];
  const [part] = entry.parts;
  if (key === undefined || inner === undefined || part === undefined) return;
  const begin = key.length + 1 + (quote ?? "").length;
  const piece = { ...part, text: inner, offset: part.offset + begin, via: "generator" as const };
  data.set(key, { kind: "leaf", value: inner, isNull: false, parts: [piece] });
}
