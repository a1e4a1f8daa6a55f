/** Collects what a step of a revisioned upgrade changes: scalars first, then structure on top of them. Pure. */
import { Uncuttable } from "./cut.ts";
import { Draft } from "./draft.ts";
import type { FileEdit, Problem } from "./edit.ts";
import { coreOf } from "./edit-versions.ts";
import type { Fleet, FleetCluster } from "./fleet.ts";
import { type BuiltObject, describe } from "./object.ts";
import type { IstioRelease } from "./release.ts";
import type { Repository } from "./repository.ts";
import { Splices } from "./splice.ts";
import { at, itemsAt, type Leaf, leafAt, type Place, stepsOf, textAt } from "./tree.ts";

export class Revision {
  readonly fleet: Fleet;
  readonly moving: readonly FleetCluster[];
  readonly from: string;
  readonly to: string;
  readonly splices: Splices;
  readonly #changes = new Map<string, Map<string, (draft: Draft) => void>>();
  readonly #made = new Map<string, FileEdit>();
  readonly #removed = new Map<string, Set<number>>();

  constructor(fleet: Fleet, moving: readonly FleetCluster[], from: string, to: string) {
    this.fleet = fleet;
    this.moving = moving;
    this.from = from;
    this.to = to;
    this.splices = new Splices(fleet.repository);
  }

  refuse(file: string, what: string, why: string, fix: string): void {
    this.splices.problems.push({ file, what, why, fix });
  }

  /** The istiod of a version; a problem where there is none, or more than one. */
  plane(
    releases: readonly IstioRelease[],
    version: string,
    cluster: FleetCluster["cluster"],
  ): IstioRelease | undefined {
    const found = releases.filter(
      (one) => one.component === "istiod" && coreOf(one.version?.leaf.value ?? "") === version,
    );
    if (found.length === 1) return found[0];
    this.refuse(
      found[0]?.object.path ?? cluster.path,
      `${cluster.cluster} has ${found.length === 0 ? "no" : "more than one"} istiod of ${version}`,
      found.length === 0 ? "the step before this one was not made" : found.map(({ name }) => name).join(", "),
      "Make the steps in their order: base, new-revision, tags, gateways, default-revision, remove-old.",
    );
    return undefined;
  }

  /** Changes a file's structure. `key`: the same change for another cluster is made once. */
  change(path: string, key: string, make: (draft: Draft) => void): void {
    const changes = this.#changes.get(path) ?? new Map<string, (draft: Draft) => void>();
    this.#changes.set(path, changes.set(key, make));
  }

  /** Notes that a document goes; whether with it the file has none left. */
  empties(path: string, document: number): boolean {
    const removed = (this.#removed.get(path) ?? new Set<number>()).add(document);
    this.#removed.set(path, removed);
    return this.fleet.repository.trees(path).trees.every((one) => removed.has(one.document));
  }

  create(path: string, text: string, name: string): void {
    const there = this.fleet.repository.text(path);
    if (there !== undefined && there !== text)
      this.refuse(path, `There is a file ${path} already`, "the new release would go there", "Move or rename it.");
    this.#made.set(path, {
      path,
      before: undefined,
      after: text,
      changes: [{ path, document: 0, pointer: "", before: "", after: name }],
    });
  }

  /** The document that an object is written in; undefined, and a problem, where it has none of its own. */
  own({ tree, path, document }: BuiltObject): { readonly path: string; readonly document: number } | undefined {
    const written = this.fleet.repository.yaml(path)?.documents[document]?.tree;
    if (textAt(written, "kind") === textAt(tree, "kind")) return { path, document };
    this.refuse(
      path,
      `${textAt(tree, "kind")} ${textAt(tree, "metadata", "name")} is part of a list`,
      "it has no document of its own",
      "Write it as a document.",
    );
    return undefined;
  }

  /** A value of a release, where it stands, else in the release itself. */
  setValue(release: IstioRelease, steps: readonly string[], value: string): void {
    const leaf = leafAt(release.values, ...steps);
    if (leaf?.value === value) return;
    if (leaf !== undefined) {
      this.splices.replace(
        leaf,
        0,
        leaf.value,
        value,
        `${steps.join(".")} of ${describe(release.object)} cannot be set`,
      );
      return;
    }
    const own = this.own(release.object);
    if (own !== undefined)
      this.change(own.path, JSON.stringify([own.document, steps]), (draft) =>
        draft.set(own.document, ["spec", "values", ...steps], value),
      );
  }

  /** Where the list stands that an item is in; undefined, and a problem, in a nested text or behind an alias. */
  #listOf(item: Leaf, of: string): Place | undefined {
    const [part] = item.parts;
    if (part?.place !== undefined && part.place.pointer === part.at && !part.at.includes("#")) return part.place;
    this.refuse(
      part?.place?.path ?? "",
      `A list of ${of} cannot be changed`,
      "it stands in a nested text, a variable or an anchor",
      "Write the list in the HelmRelease itself.",
    );
    return undefined;
  }

  addItem(release: IstioRelease, steps: readonly string[], value: string): void {
    const last = itemsAt(release.values, ...steps).at(-1);
    if (last?.kind === "leaf") {
      const place = this.#listOf(last, describe(release.object));
      if (place !== undefined)
        this.change(place.path, JSON.stringify(["add", place, value]), (draft) =>
          draft.add(place.document, stepsOf(place.pointer).slice(0, -1), value),
        );
      return;
    }
    const own = this.own(release.object);
    if (own !== undefined)
      this.change(own.path, JSON.stringify(["add", own.document, steps, value]), (draft) =>
        draft.add(own.document, ["spec", "values", ...steps], value),
      );
  }

  removeItem(release: IstioRelease, steps: readonly string[], value: string): void {
    for (const item of itemsAt(release.values, ...steps)) {
      if (item.kind !== "leaf" || item.value !== value) continue;
      const place = this.#listOf(item, describe(release.object));
      if (place === undefined) continue;
      const pointer = stepsOf(place.pointer);
      this.change(place.path, JSON.stringify(["remove", place]), (draft) =>
        draft.remove(place.document, pointer.slice(0, -1), Number(pointer.at(-1))),
      );
    }
  }

  /** Whoever waits for another istiod waits for this one. */
  dependOn(object: BuiltObject, plane: IstioRelease, olds: readonly IstioRelease[]): void {
    for (const item of itemsAt(object.tree, "spec", "dependsOn")) {
      const name = leafAt(item, "name");
      const old = olds.find((one) => one !== plane && one.name === name?.value);
      if (name !== undefined && old !== undefined)
        this.splices.replace(name, 0, name.value, plane.name, `dependsOn of ${describe(object)} cannot be set`);
    }
  }

  /** All edits together. */
  made(): {
    readonly edits: readonly FileEdit[];
    readonly problems: readonly Problem[];
    readonly repository: Repository;
  } {
    const first = this.splices.edits();
    const edits = new Map(first.edits.map((edit) => [edit.path, edit]));
    const problems = [...first.problems];
    for (const [path, changes] of this.#changes) {
      try {
        const yaml = first.repository.yaml(path);
        if (yaml === undefined) throw new Uncuttable("there is no such file");
        const draft = new Draft(yaml);
        for (const make of changes.values()) make(draft);
        const edit = draft.edit();
        const before = edits.get(path);
        if (edit !== undefined)
          edits.set(path, {
            ...edit,
            before: before?.before ?? edit.before,
            changes: [...(before?.changes ?? []), ...edit.changes],
          });
      } catch (error) {
        if (!(error instanceof Uncuttable)) throw error;
        problems.push({
          file: path,
          what: "It cannot be edited without touching something else",
          why: error.message,
          fix: "Write what is to change as plain block YAML of its own, and try again.",
        });
      }
    }
    for (const [path, edit] of this.#made) if (this.fleet.repository.text(path) === undefined) edits.set(path, edit);
    const all = [...edits.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    return { edits: all, problems, repository: this.fleet.repository.edited(all) };
  }
}

/** The object that a release takes its chart from, where that carries the version. */
export function sourceOf(fleet: FleetCluster, { object, namespace }: IstioRelease): BuiltObject | undefined {
  const reference = at(object.tree, ["spec", "chartRef"]);
  if (reference === undefined) return undefined;
  return fleet.build.units
    .flatMap(({ objects }) => objects)
    .find(
      (one) =>
        textAt(one.tree, "kind") === textAt(reference, "kind") &&
        one.names.includes(textAt(reference, "name") ?? "") &&
        (textAt(one.tree, "metadata", "namespace") ?? namespace) === (textAt(reference, "namespace") ?? namespace),
    );
}
