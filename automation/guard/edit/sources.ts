/** Places that name Istio's retired chart and image hosts: found in all files, moved for clusters. Pure. */
import { retiredHosts } from "../rules/sources.ts";
import { cutAt, segmentsOf, Uncuttable } from "./cut.ts";
import type { Edited, ReadingCluster, RepositoryFile } from "./edit.ts";
import { chosen, type Effect, type FleetCluster, readFleet, settled } from "./fleet.ts";
import { describe } from "./object.ts";
import { Repository } from "./repository.ts";
import { Splices } from "./splice.ts";
import type { Leaf, Place, Tree } from "./tree.ts";

export interface SourceUse {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** A repository of charts, a registry of images, one image, or text that is no value of YAML. */
  readonly kind: "charts" | "hub" | "image" | "text";
  readonly value: string;
  /** The same where it is still published; undefined where a person has to look. */
  readonly replacement: string | undefined;
  /** undefined for text. */
  readonly place: Place | undefined;
}

/** The retirement's own table: https://istio.io/latest/blog/2026/retirement-of-gcp/ */
const moves: readonly { readonly kind: "charts" | "hub"; readonly from: RegExp; readonly to: string }[] = [
  {
    kind: "charts",
    from: /^https?:\/\/istio-release\.storage\.googleapis\.com\/charts(?=\/?$)/i,
    to: "https://blob.istio.io/istio-release/charts",
  },
  {
    kind: "charts",
    from: /^oci:\/\/(?:gcr\.io\/istio-release|registry\.istio\.io\/release)\/charts(?=$|\/)/i,
    to: "oci://ghcr.io/istio/release/charts",
  },
  {
    kind: "hub",
    from: /^(?:gcr\.io\/istio-release|registry\.istio\.io\/release)(?=$|\/(?!charts))/i,
    to: "docker.io/istio",
  },
];

const anyHost = new RegExp(
  `(?<![\\w.-])(?:${retiredHosts.map((host) => host.replaceAll(".", "\\.")).join("|")})(?![\\w-])`,
  "i",
);

/** What a value becomes, and the part of it that is replaced. */
function moveOf(value: string) {
  for (const { kind, from, to } of moves) {
    const found = from.exec(value)?.[0];
    if (found === undefined) continue;
    const replacement = to + value.slice(found.length);
    return {
      kind: kind === "hub" && value.length > found.length ? ("image" as const) : kind,
      find: found,
      to,
      replacement,
    };
  }
  return undefined;
}

interface Found {
  readonly leaf: Leaf;
  readonly place: Place;
}

/** Scalars that name a host, those in nested texts too. */
function* scalars(repository: Repository, tree: Tree): Generator<Found> {
  if (tree.kind === "map") for (const inner of tree.entries.values()) yield* scalars(repository, inner);
  else if (tree.kind === "list") for (const inner of tree.items) yield* scalars(repository, inner);
  else {
    const place = tree.parts[0]?.place;
    if (place === undefined || !anyHost.test(tree.value)) return;
    const nested = moveOf(tree.value) === undefined ? repository.nested(tree).trees : [];
    const structured = nested.filter((one) => one.tree.kind !== "leaf");
    if (structured.length === 0) yield { leaf: tree, place };
    else for (const one of structured) yield* scalars(repository, one.tree);
  }
}

const lineAt = (text: string, position: number): number => text.slice(0, position).split("\n").length;

function textUses(path: string, text: string): readonly SourceUse[] {
  return text.split("\n").flatMap((line, index) =>
    anyHost.test(line)
      ? [
          {
            path,
            line: index + 1,
            kind: "text",
            value: line.trim(),
            replacement: undefined,
            place: undefined,
          } as const,
        ]
      : [],
  );
}

function usesIn(repository: Repository, path: string, text: string): readonly (SourceUse & { readonly leaf?: Leaf })[] {
  const yaml = /\.(?:ya?ml|json)$/i.test(path) ? repository.yaml(path) : undefined;
  if (yaml === undefined || yaml.problem !== undefined) return textUses(path, text);
  return yaml.documents.flatMap(({ tree }) =>
    (tree === undefined ? [] : [...scalars(repository, tree)]).map(({ leaf, place }) => {
      const move = moveOf(leaf.value);
      const { kind, replacement } = move ?? { kind: "text" as const, replacement: undefined };
      return { path, line: lineOf(path, repository, place), kind, value: leaf.value, replacement, place, leaf };
    }),
  );
}

function lineOf(path: string, repository: Repository, { document, pointer }: Place): number {
  const yaml = repository.yaml(path);
  if (yaml === undefined) return 1;
  const start = (inner: string): number =>
    cutAt(path, yaml, segmentsOf(document, inner), ({ source }) => ({ start: 0, end: source.length, text: "" })).start;
  try {
    return lineAt(yaml.text, start(pointer));
  } catch (error) {
    if (!(error instanceof Uncuttable)) throw error;
    // Written with escapes: where the whole text begins.
    return lineAt(yaml.text, start(pointer.split("#")[0] ?? ""));
  }
}

/** By path, then line. Files that do not name a host at all are not parsed. */
export function findSources(files: readonly RepositoryFile[]): readonly SourceUse[] {
  const named = files.filter(({ text }) => anyHost.test(text));
  const repository = new Repository(named);
  return named
    .flatMap(({ path, text }) => {
      const uses = usesIn(repository, path, text).map(({ leaf: _leaf, ...use }) => use);
      // An alias says it again at the same place.
      return [...new Map(uses.map((use) => [JSON.stringify(use.place ?? use.line), use])).values()];
    })
    .toSorted((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

export interface SourceMove {
  readonly files: readonly RepositoryFile[];
  readonly clusters: readonly ReadingCluster[];
  /** Ids of the clusters that move. */
  readonly targets: readonly string[];
}

/** Only addresses change, each to what the table says. */
function isSourceMove({ before, after }: Effect): boolean {
  if (before === undefined || after === undefined) return false;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].every(
    (key) => before[key] === after[key] || moveOf(before[key] ?? "")?.replacement === after[key],
  );
}

/** Releases that stay on a retired host because their address comes from where nobody can read. */
function hidden(splices: Splices, { releases }: FleetCluster): void {
  for (const { object, address, hubs, images } of releases)
    for (const { leaf, name } of [...(address === undefined ? [] : [address]), ...hubs, ...images])
      if (anyHost.test(leaf.value) && leaf.parts.some(({ place }) => place === undefined))
        splices.problems.push({
          file: object.path,
          what: `The ${name} of ${describe(object)} cannot be moved`,
          why: `${leaf.value} is put together from a place that is not in this repository, or is secret`,
          fix: "Write the whole address in one place of this repository.",
        });
}

/** All places in files that the clusters read, at the unchanged version. Refused when anything cannot be proven. */
export function moveSources({ files, clusters, targets }: SourceMove): Edited {
  const fleet = readFleet(files, clusters);
  const { clusters: moving, problems } = chosen(fleet, targets);
  const splices = new Splices(fleet.repository);
  splices.problems.push(...problems);
  for (const path of new Set(moving.flatMap(({ build }) => [...build.reads])).values()) {
    const text = fleet.repository.text(path);
    if (text === undefined || !anyHost.test(text)) continue;
    for (const { leaf } of usesIn(fleet.repository, path, text)) {
      const move = leaf === undefined ? undefined : moveOf(leaf.value);
      if (leaf !== undefined && move !== undefined)
        splices.replace(leaf, 0, move.find, move.to, `${leaf.value} cannot be moved`);
    }
  }
  for (const one of moving) hidden(splices, one);
  return settled(fleet, targets, splices.edits(), isSourceMove);
}
