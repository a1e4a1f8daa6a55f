/**
 * Where a campaign of the drill swaps for real: a checkout of its own inside `.switchyard/drill`, with links to the sources
 * and a state of its own. Nothing of the user's is touched, neither stacks nor journals nor a running local cloud, and
 * `switchyard.yaml` does not count: the same drill finds the same. What a killed drill left is removed by the next one.
 */
import { copyFile, mkdir, readdir, readFile, readlink, rm, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Composition } from "../compose.ts";

export interface DrillPlace {
  readonly root: string;
  /** For temporary files of processes that are killed and cannot remove them. */
  readonly temporary: string;
  /** What runs there must have ended. */
  close(): Promise<void>;
}

/** What a checkout consists of beside `bin`, whose program finds its root from where its own file is. */
const linked = [
  "automation",
  "components",
  "local",
  "node_modules",
  "package.json",
  "Pulumi.yaml",
  "policy",
  "services",
  "stacks",
  "tools",
  "tsconfig.json",
];

const owner = z.object({ pid: z.number(), startTime: z.string(), host: z.string() });

type Surroundings = Pick<Composition, "root" | "files" | "processes">;

/** Errors: the disk's. */
export async function openDrillPlace(surroundings: Surroundings, name: string): Promise<DrillPlace> {
  const { root: checkout, files, processes } = surroundings;
  const id = `${process.pid}-${name}`;
  const root = join(placesOf(checkout), id);
  // Who it belongs to is known before it is there, and until it is gone.
  await files.writeAtomic(ownerPath(checkout, id), `${JSON.stringify(await processes.self())}\n`);
  const temporary = join(root, "tmp");
  await mkdir(temporary, { recursive: true });
  for (const entry of linked) await symlink(join(checkout, entry), join(root, entry));
  await mkdir(join(root, "bin"));
  await copyFile(join(checkout, "bin", "switchyard.js"), join(root, "bin", "switchyard.js"));
  return { root, temporary, close: () => remove(surroundings, id) };
}

/** Removes the places of drills that do not run any more. Errors: the disk's. */
export async function clearDeadPlaces(surroundings: Surroundings): Promise<void> {
  const { root, files, processes } = surroundings;
  const names = await files.list(placesOf(root));
  for (const id of new Set(names.map((name) => name.replace(ownerSuffix, "")))) {
    const text = await files.read(ownerPath(root, id));
    const found = text === undefined ? undefined : owner.parse(JSON.parse(text));
    if (found === undefined || (await processes.isAlive(found)) === false) await remove(surroundings, id);
  }
}

async function remove({ root, files }: Surroundings, id: string): Promise<void> {
  await enginesGone(join(placesOf(root), id));
  // The local cloud's watchdog may still be ending its last instance.
  await rm(join(placesOf(root), id), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  await files.remove(ownerPath(root, id));
  await rmdir(placesOf(root)).catch((error: unknown) => {
    // Others have places there, or were quicker.
    if (!(error instanceof Error && "code" in error && ["ENOTEMPTY", "ENOENT"].includes(String(error.code))))
      throw error;
  });
}

/** Longest wait for the engine of a process that was killed, ms. */
const orphanedEngineMs = 20_000;
const lookEveryMs = 100;

/**
 * A process that was killed leaves its engine behind for some seconds, which would make the folder anew. While it writes it has the lock of
 * its stack, with its pid in it; before that only its working folder tells of it, where that can be seen.
 */
async function enginesGone(place: string): Promise<void> {
  const locks = join(place, ".switchyard", "pulumi", "state", ".pulumi", "locks");
  const until = performance.now() + orphanedEngineMs;
  while (performance.now() < until) {
    const names = await readdir(locks, { recursive: true }).catch(() => []);
    const texts = await Promise.all(
      names.filter((name) => name.endsWith(".json")).map((name) => readFile(join(locks, name), "utf8").catch(() => "")),
    );
    if (!texts.some((text) => isAlive(pidIn(text))) && !(await someWorkIn(place))) return;
    await wait(lookEveryMs);
  }
}

/** Linux alone tells of others where they work. */
async function someWorkIn(place: string): Promise<boolean> {
  const names = await readdir("/proc").catch(() => []);
  const folders = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")),
  );
  return folders.some((folder) => folder === place || folder.startsWith(`${place}/`));
}

const lockText = z.object({ pid: z.number().int().positive() });

/** undefined: the lock is being written, or gone. */
function pidIn(text: string): number | undefined {
  try {
    return lockText.parse(JSON.parse(text)).pid;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const ownerSuffix = ".owner.json";
const placesOf = (root: string): string => join(root, ".switchyard", "drill");
const ownerPath = (root: string, id: string): string => join(placesOf(root), `${id}${ownerSuffix}`);
