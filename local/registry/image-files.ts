import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { ImageInvalidError } from "./image-error.ts";

/** One file of an image, its content in memory so that what is hashed is what is written. */
export interface ImageFile {
  /** Relative to the image's root, with `/`. */
  readonly path: string;
  /** Only whether it may be executed counts; other mode bits differ with the umask. */
  readonly kind: "file" | "executable" | "link";
  /** A link's content is its target. */
  readonly content: Buffer;
  readonly sha256: string;
}

/** Content of one image must fit into memory; a service's source is far below. */
const maximumBytes = 256 * 1024 * 1024;

/** Left out of every image: what is installed, versioned, built, for tests, or likely to hold secrets. */
const ignoredFolders = new Set(["node_modules", ".git", ".switchyard", "test", "coverage"]);
const ignoredFile = /(?:\.test\.[cm]?[jt]sx?|^\.env(?:\..*)?|^\.DS_Store)$/;

/** Reads the files of an image's folder, sorted by path. Errors: ImageInvalidError. */
export async function readImageFiles(folder: string): Promise<readonly ImageFile[]> {
  const files: ImageFile[] = [];
  let bytes = 0;

  function add(relative: string, kind: ImageFile["kind"], content: Buffer): void {
    bytes += content.length;
    if (bytes > maximumBytes) {
      throw new ImageInvalidError(folder, `its files are larger than ${maximumBytes / 1024 / 1024} MiB`);
    }
    files.push({ path: relative, kind, content, sha256: createHash("sha256").update(content).digest("hex") });
  }

  async function walk(directory: string): Promise<void> {
    const entries = await readdir(path.join(folder, directory), { withFileTypes: true });
    for (const entry of entries) {
      const relative = directory === "" ? entry.name : `${directory}/${entry.name}`;
      const absolute = path.join(folder, relative);
      if (isIgnored(entry)) continue;
      if (entry.isDirectory()) {
        await walk(relative);
      } else if (entry.isFile()) {
        const { mode } = await lstat(absolute);
        add(relative, (mode & 0o100) === 0 ? "file" : "executable", await readFile(absolute));
      } else if (entry.isSymbolicLink()) {
        add(relative, "link", Buffer.from(await linkTarget(folder, relative)));
      } else {
        throw new ImageInvalidError(absolute, "it is neither a file, a folder nor a symbolic link");
      }
    }
  }

  await walk("");
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  refuseDanglingLinks(folder, files);
  return files;
}

function isIgnored(entry: Dirent): boolean {
  return entry.isDirectory()
    ? ignoredFolders.has(entry.name)
    : ignoredFolders.has(entry.name) || ignoredFile.test(entry.name);
}

async function linkTarget(folder: string, relative: string): Promise<string> {
  const absolute = path.join(folder, relative);
  const target = path.resolve(path.dirname(absolute), await readlink(absolute));
  const inside = path.relative(folder, target);
  if (inside === ".." || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)) {
    throw new ImageInvalidError(absolute, `it is a symbolic link that leaves the folder (to ${target})`);
  }
  return path.relative(path.dirname(absolute), target).split(path.sep).join("/") || ".";
}

/** A link whose target is left out would break only when the instance runs. */
function refuseDanglingLinks(folder: string, files: readonly ImageFile[]): void {
  const known = new Set<string>(["."]);
  for (const file of files) {
    for (let at = file.path; at !== "."; at = path.posix.dirname(at)) known.add(at);
  }
  for (const file of files) {
    if (file.kind !== "link") continue;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file.path), file.content.toString()));
    if (!known.has(target.replace(/\/$/, ""))) {
      throw new ImageInvalidError(
        path.join(folder, file.path),
        `it is a symbolic link to ${target}, which is not there or left out of images`,
      );
    }
  }
}
