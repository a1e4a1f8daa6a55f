import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/**
 * Folder of a `pulumi` for tests that drive the real engine: one on the PATH, else one that Switchyard has in its cache.
 * Undefined where there is none; `npx switchyard doctor` says how to get one.
 */
export function findPulumi(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  return [...onPath, ...cached()].find((folder) => folder !== "" && isExecutable(join(folder, "pulumi")));
}

/** The engine's cache of automation/adapters: one folder per version, newest name first. */
function cached(): readonly string[] {
  const root = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard", "engine");
  try {
    const found = readdirSync(root, { recursive: true, withFileTypes: true });
    return found
      .filter((entry) => entry.name === "pulumi" && !entry.isDirectory())
      .map((entry) => entry.parentPath)
      .sort()
      .reverse();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there or not to be run: the next folder.
    return false;
  }
}
