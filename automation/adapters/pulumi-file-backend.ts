/** What we know of Pulumi's `file://` backend on disk: where a stack's state and locks are, and whose lock is dead. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";
import type { StackResource } from "../ports/stack-engine.ts";
import { parseJson } from "./json-text.ts";
import { isErrno, startTimeOf } from "./process-facts.ts";

const lockSchema = z.object({
  pid: z.number().int().positive(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.iso.datetime({ offset: true }),
});

const deploymentSchema = z.object({
  pending_operations: z.array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) })).nullish(),
});

/** `checkpoint.latest` in the backend's files, `deployment` in what `pulumi stack export` prints. */
function stateOf<Deployment extends z.ZodType>(deployment: Deployment) {
  return z.union([
    z.object({ checkpoint: z.object({ latest: deployment.nullish() }) }).transform((s) => s.checkpoint.latest),
    z.object({ deployment: deployment.nullish() }).transform((s) => s.deployment),
  ]);
}

const stateSchema = stateOf(deploymentSchema);

const manifestSchema = stateOf(
  z.object({ manifest: z.object({ time: z.string() }), resources: z.array(z.unknown()).nullish() }),
);

const members = z.record(z.string(), z.unknown()).default({});

const resourcesSchema = stateOf(
  z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          custom: z.boolean().default(false),
          inputs: members,
          outputs: members,
        }),
      )
      .nullish(),
  }),
);

export interface StackSummary {
  readonly name: string;
  readonly resources: number;
  /** ISO time; undefined before the first operation. */
  readonly updatedAt: string | undefined;
}

export interface StackLock {
  readonly path: string;
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  /** ISO time. */
  readonly since: string;
}

export interface ProcessFacts {
  readonly host: string;
  /** When the process started, ms since the epoch; undefined when there is none of that id. */
  startedAt(pid: number): Promise<number | undefined>;
}

/** The folder of a `file://` URL; undefined for every other backend. */
export function fileBackendFolder(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith("file://")) return undefined;
  const path = url.slice("file://".length).replace(/\?.*$/, "");
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  if (!path.startsWith("/")) return undefined;
  return fileURLToPath(`file://${path}`);
}

/** Pulumi refuses a `file://` folder that does not exist. */
export async function ensureFileBackend(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** URNs whose create was begun and never answered for, because the engine was killed. */
export function pendingCreates(state: string): readonly string[] {
  // Nearly every state has none, and a big one takes long to parse.
  if (!state.includes('"pending_operations"')) return [];
  // A state that cannot be read is the engine's to refuse, with its own words.
  const pending = stateSchema.safeParse(parseJson(state)).data?.pending_operations ?? [];
  return pending.filter((operation) => operation.type === "creating").map((operation) => operation.resource.urn);
}

/** The resources of a stack's state. Errors: a ZodError where it is none. */
export function resourcesOfState(state: string): readonly StackResource[] {
  const resources = resourcesSchema.parse(parseJson(state))?.resources ?? [];
  return resources.map(({ urn, type, custom, inputs, outputs }) => ({ urn, type, custom, inputs, outputs }));
}

/** The outputs of a stack's state, secrets as the engine keeps them. Errors: a ZodError where it is none. */
export function outputsOfState(state: string): Readonly<Record<string, unknown>> {
  const resources = resourcesSchema.parse(parseJson(state))?.resources ?? [];
  return resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
}

/** Every stack of the project, with what `pulumi stack ls` says of it. */
export async function listStackStates(folder: string, project: string): Promise<readonly StackSummary[]> {
  const found: StackSummary[] = [];
  for (const file of await namesIn(join(folder, ".pulumi", "stacks", project))) {
    const name = /^(.+)\.json(\.gz)?$/.exec(file)?.[1];
    const state = name === undefined ? undefined : await readStackState(folder, project, name);
    if (name === undefined || state === undefined) continue;
    const latest = manifestSchema.parse(parseJson(state));
    const updatedAt = latest == null ? undefined : new Date(latest.manifest.time).toISOString();
    found.push({ name, resources: latest?.resources?.length ?? 0, updatedAt });
  }
  return found;
}

/** The text of a stack's state; undefined when the stack does not exist. */
export async function readStackState(folder: string, project: string, stack: string): Promise<string | undefined> {
  const file = join(folder, ".pulumi", "stacks", project, `${stack}.json`);
  const plain = await readIfThere(file);
  if (plain !== undefined) return plain.toString("utf8");
  const packed = await readIfThere(`${file}.gz`);
  return packed === undefined ? undefined : (await promisify(gunzip)(packed)).toString("utf8");
}

export async function readLocks(folder: string, project: string, stack: string): Promise<readonly StackLock[]> {
  const locks = join(folder, ".pulumi", "locks", "organization", project, stack);
  const found: StackLock[] = [];
  for (const name of (await namesIn(locks)).filter((each) => each.endsWith(".json"))) {
    const path = join(locks, name);
    const text = await readIfThere(path);
    // A lock that is being written is empty or half; it is alive, so it counts as none that we can judge.
    const lock = lockSchema.safeParse(parseJson(text?.toString("utf8") ?? ""));
    if (!lock.success) continue;
    const { pid, username, hostname: host, timestamp } = lock.data;
    found.push({ path, pid, user: username, host, since: timestamp });
  }
  return found;
}

/**
 * Whether the lock's owner is certainly gone: it ran on this host, and its process id belongs to nobody or to a process that
 * began after the lock was written. A lock of another host may be alive for all we know.
 */
export async function isDeadLock(lock: StackLock, facts: ProcessFacts): Promise<boolean> {
  if (lock.host !== facts.host) return false;
  const startedAt = await facts.startedAt(lock.pid);
  // Process start times are known to 10 ms and the boot time to a second.
  return startedAt === undefined || startedAt > Date.parse(lock.since) + 2_000;
}

/** Removes the stack's locks whose owners are dead; returns them. Pulumi's own `cancel` would remove living ones too. */
export async function removeDeadLocks(
  folder: string,
  project: string,
  stack: string,
  facts: ProcessFacts = thisHost,
): Promise<readonly StackLock[]> {
  const removed: StackLock[] = [];
  for (const lock of await readLocks(folder, project, stack)) {
    if (!(await isDeadLock(lock, facts))) continue;
    await rm(lock.path, { force: true });
    await rm(`${lock.path}.attrs`, { force: true });
    removed.push(lock);
  }
  return removed;
}

export const thisHost: ProcessFacts = { host: hostname(), startedAt: startTimeOf };

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
