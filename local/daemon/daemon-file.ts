import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../compute/json-file.ts";
import { processStartTime } from "../runtime/process-identity.ts";

/** Where a root's local cloud keeps its state. */
export function stateFolder(root: string): string {
  return join(root, ".switchyard", "local");
}

const identitySchema = z.object({ pid: z.int().positive(), startTime: z.string() });

const daemonFileSchema = z.object({
  ...identitySchema.shape,
  controlUrl: z.url(),
  tokenFile: z.string(),
  providers: z.object({ gcp: z.int(), kubernetes: z.int() }),
  googleEndpoint: z.url(),
});

/** How to reach a running daemon: daemon.json. */
export type DaemonInfo = z.infer<typeof daemonFileSchema>;

/** Another daemon serves the same root. */
export class DaemonRunningError extends Error {
  readonly pid: number;
  readonly root: string;
  /** Absent while the other one starts. */
  readonly info: DaemonInfo | undefined;
  constructor(root: string, pid: number, info: DaemonInfo | undefined) {
    const where = info === undefined ? "and is starting" : `at ${info.controlUrl}`;
    super(`A local cloud for ${root} is running already: process ${pid} ${where}.`);
    this.name = "DaemonRunningError";
    this.root = root;
    this.pid = pid;
    this.info = info;
  }
}

/** The daemon that runs for a root, if its process is alive. */
async function readDaemonFile(root: string): Promise<DaemonInfo | undefined> {
  const text = await readIfThere(join(stateFolder(root), "daemon.json"));
  const info = parse(daemonFileSchema, text);
  return info !== undefined && isAlive(info) ? info : undefined;
}

/** Holds a root for one daemon. */
export interface DaemonLock {
  /** Writes daemon.json, readable by the owner alone. */
  announce(info: DaemonInfo): Promise<void>;
  /** Removes what was written. */
  release(): Promise<void>;
}

/** Takes the root's lock; that of a dead daemon is replaced. Errors: DaemonRunningError. */
export async function takeDaemonLock(root: string, identity: { pid: number; startTime: string }): Promise<DaemonLock> {
  const folder = stateFolder(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = join(folder, "daemon.lock");
  const daemonFile = join(folder, "daemon.json");
  const own = join(folder, `daemon.lock.${identity.pid}`);
  await writeFile(own, JSON.stringify(identity), { mode: 0o600 });
  try {
    while (!(await tryLink(own, lock))) await removeStale(root, lock, `${own}.stale`);
  } finally {
    await rm(own, { force: true });
  }
  await rm(daemonFile, { force: true });
  return {
    announce: (info) => writeAtomic(daemonFile, `${JSON.stringify(info, undefined, 1)}\n`),
    async release() {
      await rm(daemonFile, { force: true });
      await rm(lock, { force: true });
    },
  };
}

/** Moves a dead daemon's lock away. A live one that another start put there meanwhile is put back. */
async function removeStale(root: string, lock: string, aside: string): Promise<void> {
  await refuseIfAlive(root, await readIfThere(lock));
  try {
    await rename(lock, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  const moved = await readIfThere(aside);
  const holder = parse(identitySchema, moved);
  if (holder !== undefined && isAlive(holder)) await tryLink(aside, lock);
  await rm(aside, { force: true });
}

async function refuseIfAlive(root: string, text: string | undefined): Promise<void> {
  const holder = parse(identitySchema, text);
  if (holder !== undefined && isAlive(holder)) {
    throw new DaemonRunningError(root, holder.pid, await readDaemonFile(root));
  }
}

function isAlive({ pid, startTime }: { pid: number; startTime: string }): boolean {
  return processStartTime(pid) === startTime;
}

/** Creates `to` with the content of `from` in one step; false when `to` is there. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** undefined also for what is damaged: such a file names no daemon. */
function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return schema.safeParse(json).data;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
