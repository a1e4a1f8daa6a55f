/** A bare repository through the `git` binary, with no configuration but its own. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";
import type { CommitAction } from "../../../automation/ports/git-host.ts";

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface GitCommit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: Author;
  readonly message: string;
}

export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly path: string;
}

export class GitFailure extends Error {}

export interface GitRepository {
  /** Head of a branch, or a commit; undefined when there is none. */
  resolve(revision: string): Promise<string | undefined>;
  branches(): Promise<readonly string[]>;
  setBranch(branch: string, commit: string | undefined): Promise<void>;
  /** On a branch, which is made where it is not there. Errors: GitFailure where the actions do not fit. */
  commit(
    branch: string,
    start: string | undefined,
    message: string,
    author: Author,
    actions: readonly CommitAction[],
  ): Promise<string>;
  commitTree(
    tree: string,
    parents: readonly string[],
    message: string,
    author: Author,
    committer?: Author,
  ): Promise<string>;
  tree(commit: string): Promise<string>;
  /** Tree of both; undefined on a conflict. */
  mergeTree(one: string, other: string): Promise<string | undefined>;
  mergeBase(one: string, other: string): Promise<string | undefined>;
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
  /** Commits of `head` that `base` does not have, oldest first. */
  between(base: string, head: string): Promise<readonly GitCommit[]>;
  commitOf(id: string): Promise<GitCommit>;
  entries(commit: string): Promise<readonly TreeEntry[]>;
  blob(id: string): Promise<Buffer>;
  archive(commit: string, prefix: string): Promise<Buffer>;
}

/** What follows from ids alone does not change: asked of git once. */
function once<Result>(
  work: (...ids: readonly string[]) => Promise<Result>,
): (...ids: readonly string[]) => Promise<Result> {
  const known = new Map<string, Promise<Result>>();
  return (...ids) => {
    const key = ids.join(" ");
    const found = known.get(key) ?? work(...ids);
    known.set(key, found);
    return found;
  };
}

export async function createBareRepository(folder: string): Promise<GitRepository> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: "1",
    LC_ALL: "C.UTF-8",
  };
  const run = (
    args: readonly string[],
    more: { readonly input?: string; readonly env?: object } = {},
  ): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const git = spawn("git", ["-C", folder, ...args], { env: { ...env, ...more.env }, stdio: "pipe" });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      git.stdout.on("data", (part) => out.push(part));
      git.stderr.on("data", (part) => err.push(part));
      git.on("error", reject);
      git.on("close", (code) => {
        if (code === 0) resolve(Buffer.concat(out));
        else reject(new GitFailure(`git ${args[0]} ended with ${code}: ${Buffer.concat(err).toString().trim()}`));
      });
      git.stdin.on("error", () => undefined);
      git.stdin.end(more.input ?? "");
    });
  const text = async (...all: Parameters<typeof run>): Promise<string> => (await run(...all)).toString().trim();
  /** undefined where git says no by ending with another code than 0. */
  const unlessNo = async (...all: Parameters<typeof run>): Promise<string | undefined> => {
    try {
      return await text(...all);
    } catch (error) {
      if (error instanceof GitFailure) return undefined;
      throw error;
    }
  };
  const log = async (...args: readonly string[]): Promise<readonly GitCommit[]> => {
    const out = (await run(["log", "--topo-order", "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%B%x1e", ...args])).toString();
    return out
      .split("\x1e")
      .map((one) => one.replace(/^\n/, ""))
      .filter((one) => one !== "")
      .map((one) => {
        const [id = "", parents = "", name = "", email = "", message = ""] = one.split("\x1f");
        return { id, parents: parents.split(" ").filter(Boolean), author: { name, email }, message };
      });
  };

  /** References are files: nothing packs them here. */
  const readRef = async (ref: string): Promise<string | undefined> => {
    try {
      return (await readFile(join(folder, ref), "utf8")).trim();
    } catch (error) {
      if (error instanceof Error && "code" in error && ["ENOENT", "EISDIR", "ENOTDIR"].includes(String(error.code)))
        return undefined;
      throw error;
    }
  };
  const seen = new Set<string>();

  await run(["init", "--quiet", "--bare", "--initial-branch=main", "."]);

  const repository: GitRepository = {
    async resolve(revision) {
      const ref = revision === "HEAD" ? "refs/heads/main" : revision;
      if (ref.startsWith("refs/heads/")) return readRef(ref);
      if (seen.has(ref)) return ref;
      const found = await unlessNo(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
      if (found === ref) seen.add(ref);
      return found;
    },
    async branches() {
      const out = await text(["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"]);
      return out === "" ? [] : out.split("\n");
    },
    async setBranch(branch, commit) {
      const ref = `refs/heads/${branch}`;
      await run(commit === undefined ? ["update-ref", "-d", ref] : ["update-ref", ref, commit]);
    },
    async commit(branch, start, message, author, actions) {
      const paths = new Set(start === undefined ? [] : (await repository.entries(start)).map(({ path }) => path));
      for (const { kind, path } of actions) {
        if (kind === "create" && paths.has(path)) throw new GitFailure("A file with this name already exists");
        if (kind !== "create" && !paths.has(path)) throw new GitFailure("A file with this name doesn't exist");
        if (kind === "delete") paths.delete(path);
        else paths.add(path);
      }
      const data = (value: string): string => `data ${Buffer.byteLength(value)}\n${value}\n`;
      const quoted = (path: string): string => `"${path.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
      const at = `${Math.floor(Date.now() / 1_000)} +0000`;
      const input = [
        `commit refs/heads/${branch}\n`,
        `author ${author.name} <${author.email}> ${at}\ncommitter ${author.name} <${author.email}> ${at}\n`,
        data(message),
        start === undefined ? "" : `from ${start}\n`,
        ...actions.map(({ kind, path, text: content }) =>
          kind === "delete" ? `D ${quoted(path)}\n` : `M 100644 inline ${quoted(path)}\n${data(content ?? "")}`,
        ),
        "\ndone\n",
      ].join("");
      await run(["fast-import", "--quiet", "--done"], { input });
      const made = await repository.resolve(`refs/heads/${branch}`);
      if (made === undefined) throw new GitFailure("the commit was not made");
      return made;
    },
    commitTree(tree, parents, message, author, committer = author) {
      const who = {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_COMMITTER_NAME: committer.name,
        GIT_COMMITTER_EMAIL: committer.email,
      };
      return text(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent])], { input: message, env: who });
    },
    tree: once((commit = "") => text(["rev-parse", `${commit}^{tree}`])),
    mergeTree: once(
      async (one = "", other = "") => (await unlessNo(["merge-tree", "--write-tree", one, other]))?.split("\n")[0],
    ),
    mergeBase: once((one = "", other = "") => unlessNo(["merge-base", one, other])),
    isAncestor: once(
      async (ancestor = "", commit = "") =>
        (await unlessNo(["merge-base", "--is-ancestor", ancestor, commit])) !== undefined,
    ),
    between: once((base, head) => log("--reverse", `${base}..${head}`)),
    commitOf: once(async (id = "") => {
      const [commit] = await log("-1", id);
      if (commit === undefined) throw new GitFailure(`there is no ${id}`);
      return commit;
    }),
    entries: once(async (commit = "") => {
      const out = (await run(["ls-tree", "-r", "-t", "-z", "--full-tree", commit])).toString();
      return out
        .split("\0")
        .filter(Boolean)
        .map((line) => {
          const [facts = "", path = ""] = line.split("\t");
          const [mode = "", type = "", id = ""] = facts.split(" ");
          return { mode, type, id, path };
        });
    }),
    blob: (id) => run(["cat-file", "blob", id]),
    archive: (commit, prefix) => run(["archive", "--format=tar.gz", `--prefix=${prefix}/`, commit]),
  };
  return repository;
}
