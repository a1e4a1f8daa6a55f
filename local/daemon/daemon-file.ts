import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
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
  /** Removes daemon.json and frees the root. */
  release(): Promise<void>;
}

const lockName = /^daemon\.lock\.(\d+)$/;

/**
 * Takes the root's lock. Locks are numbered files, each made in one step with its holder's identity; the highest number
 * counts. It is never removed, only marked as free, so a claim upon a dead holder can be won by one daemon only, however
 * late another one acts on what it saw. Errors: DaemonRunningError.
 */
export async function takeDaemonLock(root: string, identity: { pid: number; startTime: string }): Promise<DaemonLock> {
  const folder = stateFolder(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const number = await claim(root, folder, identity);
  const daemonFile = join(folder, "daemon.json");
  await rm(daemonFile, { force: true });
  for (const older of await lockNumbers(folder)) {
    if (older < number) await rm(lockPath(folder, older), { force: true });
  }
  return {
    announce: (info) => writeAtomic(daemonFile, `${JSON.stringify(info, undefined, 1)}\n`),
    async release() {
      await rm(daemonFile, { force: true });
      await writeAtomic(lockPath(folder, number), `${JSON.stringify({ free: true })}\n`);
    },
  };
}

async function claim(root: string, folder: string, identity: { pid: number; startTime: string }): Promise<number> {
  const own = join(folder, `daemon.claim.${randomUUID()}`);
  await writeFile(own, JSON.stringify(identity), { mode: 0o600 });
  try {
    for (;;) {
      const highest = Math.max(0, ...(await lockNumbers(folder)));
      const holder = parse(identitySchema, await readIfThere(lockPath(folder, highest)));
      if (holder !== undefined && isAlive(holder)) {
        throw new DaemonRunningError(root, holder.pid, await readDaemonFile(root));
      }
      const wanted = highest + 1;
      if (!(await tryLink(own, lockPath(folder, wanted)))) continue;
      // A number that was taken, freed and cleared away since it was read has a higher one above it.
      if (Math.max(...(await lockNumbers(folder))) === wanted) return wanted;
      await rm(lockPath(folder, wanted), { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function lockNumbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const number = lockName.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

function lockPath(folder: string, number: number): string {
  return join(folder, `daemon.lock.${number}`);
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
