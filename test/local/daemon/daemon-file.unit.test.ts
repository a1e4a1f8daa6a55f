import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DaemonRunningError, stateFolder, takeDaemonLock } from "../../../local/daemon/daemon-file.ts";
import { processStartTime } from "../../../local/runtime/process-identity.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(() => rm(root, { recursive: true }));

const alive = { pid: process.pid, startTime: processStartTime(process.pid) ?? "" };
/** This process' pid, as another process had it before. */
const dead = { pid: process.pid, startTime: "an earlier one" };

describe("the daemon's lock", () => {
  it("has one holder until it is released", async () => {
    const lock = await takeDaemonLock(root, alive);
    await expect(takeDaemonLock(root, alive)).rejects.toThrow(DaemonRunningError);
    await lock.release();
    await takeDaemonLock(root, alive);
  });

  it("passes from a dead holder, told by its start time, to exactly one of many", async () => {
    for (let round = 0; round < 20; round += 1) {
      await takeDaemonLock(root, dead);
      const claims = await Promise.allSettled(Array.from({ length: 8 }, () => takeDaemonLock(root, alive)));
      const won = claims.filter((claim) => claim.status === "fulfilled").map((claim) => claim.value);
      expect(won).toHaveLength(1);
      for (const lock of won) await lock.release();
    }
    expect(await readdir(stateFolder(root))).toEqual(["daemon.lock.40"]);
  });

  it("has at most one holder at any time while many take and release it", async () => {
    let holders = 0;
    let most = 0;
    const worker = async (): Promise<void> => {
      for (let turns = 0; turns < 5; ) {
        try {
          const lock = await takeDaemonLock(root, alive);
          holders += 1;
          most = Math.max(most, holders);
          await new Promise((resolve) => setImmediate(resolve));
          holders -= 1;
          await lock.release();
          turns += 1;
        } catch (error) {
          if (!(error instanceof DaemonRunningError)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect(most).toBe(1);
  });
});
