/** Commits in memory as Git has them: trees, parents, ancestry, three-way merges by path. Pure. */
import type { CommitAction, HostedCommit } from "../../ports/git-host.ts";

/** Folder -> name -> text. A commit copies only the folders that it touches, so that thousands of files stay cheap. */
type Tree = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface SimulatedCommit extends HostedCommit {
  readonly tree: Tree;
  /** Longest way to a commit without parents: an ancestor's is smaller. */
  readonly generation: number;
}

interface NewSimulatedCommit {
  readonly parents: readonly SimulatedCommit[];
  readonly tree: Tree;
  readonly author: string;
  readonly message: string;
}

const emptyTree: Tree = new Map();

function split(path: string): readonly [folder: string, name: string] {
  const end = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, end)), path.slice(end + 1)];
}

export function textAt(tree: Tree, path: string): string | undefined {
  const [folder, name] = split(path);
  return tree.get(folder)?.get(name);
}

/** Paths and texts, in order of paths. */
export function entriesOf(tree: Tree): readonly (readonly [path: string, text: string])[] {
  return [...tree]
    .flatMap(([folder, files]) =>
      [...files].map(([name, text]) => [folder === "" ? name : `${folder}/${name}`, text] as const),
    )
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** With these texts; undefined deletes. */
function withTexts(tree: Tree, texts: ReadonlyMap<string, string | undefined>): Tree {
  const folders = new Map(tree);
  const fresh = new Map<string, Map<string, string>>();
  for (const [path, text] of texts) {
    const [folder, name] = split(path);
    const files = fresh.get(folder) ?? new Map(folders.get(folder));
    fresh.set(folder, files);
    if (text === undefined) files.delete(name);
    else files.set(name, text);
  }
  for (const [folder, files] of fresh) {
    if (files.size === 0) folders.delete(folder);
    else folders.set(folder, files);
  }
  return folders;
}

/** The tree with the actions done, or why it cannot be: as Git hosts say it. */
export function applyActions(tree: Tree, actions: readonly CommitAction[]): Tree | string {
  const texts = new Map<string, string | undefined>();
  for (const { kind, path, text } of actions) {
    const there = (texts.has(path) ? texts.get(path) : textAt(tree, path)) !== undefined;
    if (kind === "create" && there) return `A file with this name already exists: ${path}`;
    if (kind !== "create" && !there) return `A file with this name doesn't exist: ${path}`;
    texts.set(path, kind === "delete" ? undefined : (text ?? ""));
  }
  return withTexts(tree, texts);
}

/** What differs, with the other's texts; undefined where it has none. Folders that are the same object are not looked into. */
function changes(from: Tree, to: Tree): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const folder of new Set([...from.keys(), ...to.keys()])) {
    const [before, after] = [from.get(folder), to.get(folder)];
    if (before === after) continue;
    for (const name of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (before?.get(name) !== after?.get(name)) found.set(path, after?.get(name));
    }
  }
  return found;
}

/** Both sides' changes together; undefined when they want different things of one path. */
export function mergeTrees(base: Tree, ours: Tree, theirs: Tree): Tree | undefined {
  const [mine, other] = [changes(base, ours), changes(base, theirs)];
  for (const [path, text] of other) if (mine.has(path) && mine.get(path) !== text) return undefined;
  return withTexts(ours, other);
}

/** FNV-1a, 32 bits, as 8 hex digits. */
function fnv(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

export interface CommitGraph {
  add(commit: NewSimulatedCommit): SimulatedCommit;
  get(id: string): SimulatedCommit | undefined;
  /** Whether `commit` has `ancestor` in its history, or is it. */
  contains(commit: SimulatedCommit, ancestor: SimulatedCommit): boolean;
  /** Commits of `head` that `base` does not have, oldest first. */
  between(base: SimulatedCommit, head: SimulatedCommit): readonly SimulatedCommit[];
  /** The newest common ancestor; undefined for histories that share nothing. */
  mergeBase(one: SimulatedCommit, other: SimulatedCommit): SimulatedCommit | undefined;
  /** `head`'s own commits on top of `onto`; undefined on a conflict. */
  rebase(head: SimulatedCommit, onto: SimulatedCommit): SimulatedCommit | undefined;
  root(texts: Readonly<Record<string, string>>, author: string, message: string): SimulatedCommit;
}

/** `seed` makes ids of several graphs differ. The same calls give the same ids. */
export function createCommitGraph(seed: string): CommitGraph {
  const commits = new Map<string, SimulatedCommit>();
  let count = 0;

  const nextId = (): string => {
    count += 1;
    // A permutation of 32 bits, so that no two are alike, and 128 bits that differ per graph.
    const own = (Math.imul(count, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
    return own + [0, 1, 2, 3].map((part) => fnv(`${part}:${seed}:${count}`)).join("");
  };

  /** All that is reached from these, those below a generation left out. */
  const reached = (from: readonly SimulatedCommit[], least = 0): Map<string, SimulatedCommit> => {
    const seen = new Map<string, SimulatedCommit>();
    const open = [...from];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next.id) || next.generation < least) continue;
      seen.set(next.id, next);
      for (const parent of next.parents) {
        const commit = commits.get(parent);
        if (commit !== undefined) open.push(commit);
      }
    }
    return seen;
  };

  const graph: CommitGraph = {
    add({ parents, tree, author, message }) {
      const commit: SimulatedCommit = {
        id: nextId(),
        parents: parents.map(({ id }) => id),
        authorName: author,
        authorEmail: `${author}@example.com`,
        message,
        tree,
        generation: Math.max(0, ...parents.map(({ generation }) => generation + 1)),
      };
      commits.set(commit.id, commit);
      return commit;
    },
    get: (id) => commits.get(id),
    contains: (commit, ancestor) => reached([commit], ancestor.generation).has(ancestor.id),
    between(base, head) {
      const known = reached([base]);
      const found = [...reached([head]).values()].filter(({ id }) => !known.has(id));
      return found.toSorted((one, other) => one.generation - other.generation);
    },
    mergeBase(one, other) {
      const mine = reached([one]);
      const shared = [...reached([other]).values()].filter(({ id }) => mine.has(id));
      return shared.toSorted((a, b) => b.generation - a.generation)[0];
    },
    rebase(head, onto) {
      if (graph.contains(head, onto)) return head;
      let top = onto;
      for (const commit of graph.between(onto, head)) {
        // Merges bring nothing of their own.
        if (commit.parents.length !== 1) continue;
        const before = commits.get(commit.parents[0] ?? "")?.tree ?? emptyTree;
        const tree = mergeTrees(before, top.tree, commit.tree);
        if (tree === undefined) return undefined;
        top = graph.add({ parents: [top], tree, author: commit.authorName, message: commit.message });
      }
      return top;
    },
    root(texts, author, message) {
      const tree = withTexts(emptyTree, new Map(Object.entries(texts)));
      return graph.add({ parents: [], tree, author, message });
    },
  };
  return graph;
}
