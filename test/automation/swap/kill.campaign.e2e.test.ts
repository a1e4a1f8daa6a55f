import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = join(import.meta.dirname, "..", "..", "support", "swap-engine-process.ts");
const run = promisify(execFile);

/** Runs the engine in a process; the signal when it was killed, else what it printed. */
async function engine(folder: string, killAt: number, kind: "good" | "bad") {
  try {
    const { stdout } = await run(process.execPath, [program, folder, String(killAt), kind]);
    return { printed: JSON.parse(stdout) as { points: number; end: string }, signal: undefined };
  } catch (error) {
    if (error instanceof Error && "signal" in error && error.signal === "SIGKILL") {
      return { printed: undefined, signal: "SIGKILL" };
    }
    throw error;
  }
}

async function world(folder: string) {
  // The token tells how many processes there were.
  const { now: _now, fence: _fence, ...rest } = JSON.parse(await readFile(join(folder, "world.json"), "utf8"));
  return rest;
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-kill-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// Every point is also crashed in process, in test/automation/drill; here the process really dies, with its files on a disk.
// A process takes half a second.
const everyNth = 7;

describe.each(["good", "bad"] as const)("a swap with a %s candidate", (kind) => {
  it("ends the same after a SIGKILL at every seventh point, no effect twice", async () => {
    const whole = await inFolder(async (folder) => {
      const { printed } = await engine(folder, 0, kind);
      return { points: printed?.points ?? 0, end: printed?.end, world: await world(folder) };
    });
    expect(whole.end).toBe(kind === "good" ? "completed" : "rolled-back");
    expect(whole.points).toBeGreaterThan(40);

    // Two at a time: the machine has two cores.
    const points = Array.from({ length: Math.floor(whole.points / everyNth) }, (_, index) => (index + 1) * everyNth);
    const next = points.values();
    const worker = async (): Promise<void> => {
      for (const point of next) {
        await inFolder(async (folder) => {
          expect((await engine(folder, point, kind)).signal, `point ${point}`).toBe("SIGKILL");
          expect((await engine(folder, 0, kind)).printed?.end, `resumed after point ${point}`).toBe(whole.end);
          expect(await world(folder), `world after point ${point}`).toEqual(whole.world);
        });
      }
    };
    await Promise.all([worker(), worker()]);
  });
});
