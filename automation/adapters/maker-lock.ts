/** A lock file that says who holds it; one whose holder has died is taken over. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isErrno, startTimeOf } from "./process-facts.ts";

const holderSchema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.number(),
  host: z.string(),
  nonce: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** How often a waiter looks whether the holder is done. */
const lookEveryMs = 200;
/** Start times are read to a second. */
const sameStartMs = 2_000;

export interface MakerLockOptions {
  readonly path: string;
  readonly signal?: AbortSignal;
  /** Called at each look while another process holds the lock. */
  readonly onWait?: (holder: { readonly pid: number; readonly host: string }) => void;
}

/** Waits for the lock; returns what releases it. Rejects with the signal's reason when aborted. */
export async function takeMakerLock(options: MakerLockOptions): Promise<() => Promise<void>> {
  const { path, signal } = options;
  await mkdir(dirname(path), { recursive: true });
  const startedAt = (await startTimeOf(process.pid)) ?? 0;
  const mine: Holder = { pid: process.pid, startedAt, host: hostname(), nonce: randomUUID() };
  const draft = `${path}.${mine.nonce}`;
  await writeFile(draft, JSON.stringify(mine));
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (await linked(draft, path)) break;
      const holder = await readHolder(path);
      if (holder === undefined) continue;
      if (await isDead(holder)) {
        await takeAway(path, holder);
        continue;
      }
      options.onWait?.(holder);
      await sleep(lookEveryMs, undefined, signal === undefined ? {} : { signal });
    }
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    const holder = await readHolder(path);
    if (holder?.nonce === mine.nonce) await rm(path, { force: true });
  };
}

/** A link appears with its content and fails where there is one already. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

async function isDead(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return false;
  const startedAt = await startTimeOf(holder.pid);
  return startedAt === undefined || Math.abs(startedAt - holder.startedAt) > sameStartMs;
}

/** Two may find the same dead holder: only the one who moves away what they both saw may go on to a new lock. */
async function takeAway(path: string, seen: Holder): Promise<void> {
  const aside = `${path}.dead-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  const moved = await readHolder(aside);
  // It was a living one's, taken between our look and our move: put it back.
  if (moved !== undefined && moved.nonce !== seen.nonce) await linked(aside, path);
  await rm(aside, { force: true });
}

/** undefined when there is no lock or it is not ours to read. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const parsed = holderSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (parsed.success) return parsed.data;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  // Written by nobody that we know: ours appear whole.
  await rm(path, { force: true });
  return undefined;
}
