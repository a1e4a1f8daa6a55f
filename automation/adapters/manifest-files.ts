import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SwitchyardError } from "../errors.ts";
import type { ManifestFile, ManifestFiles } from "../ports/manifest-files.ts";
import { isErrno } from "./process-facts.ts";

/** Manifests from the disk and the standard input. */
export const manifestFiles: ManifestFiles = {
  async read(paths) {
    const files: ManifestFile[] = [];
    for (const path of paths) {
      if (path === "-") files.push({ file: "stdin", text: await text(process.stdin), named: true });
      else if (await isFolder(path)) files.push(...(await readFolder(path)));
      else files.push(await readOne(path, true));
    }
    return files;
  },
};

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (!isErrno(error, "ENOENT") && !isErrno(error, "ENOTDIR")) return false;
    throw new SwitchyardError("manifest-unreadable", {
      message: `There is no file or folder ${path}`,
      next: "Name files, folders, or - for the standard input.",
      cause: error,
    });
  }
}

async function readFolder(folder: string): Promise<readonly ManifestFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files: ManifestFile[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && entry.name !== "node_modules") files.push(...(await readFolder(path)));
    } else if (/\.(ya?ml|json)$/i.test(entry.name)) {
      files.push(await readOne(path, false));
    }
  }
  return files;
}

async function readOne(path: string, named: boolean): Promise<ManifestFile> {
  try {
    return { file: path, text: await readFile(path, "utf8"), named };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { file: path, text: undefined, problem: error.message, named };
  }
}
