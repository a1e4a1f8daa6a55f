import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { endOrphans } from "../../../local/runtime/orphans.ts";
import { processStartTime } from "../../../local/runtime/process-identity.ts";
import { readProcessRecord, writeProcessRecord } from "../../../local/runtime/process-record.ts";
import { type LocalProcesses, startLocalProcesses } from "../../support/local-processes.ts";

/** Within 10 s nothing may be left. */
const soon = { timeout: 10_000, interval: 20 };

let local: LocalProcesses;
let daemon: ChildProcess;
let pids: readonly number[];

beforeEach(async () => {
  local = await startLocalProcesses();
  const script = fileURLToPath(new URL("daemon-process.ts", import.meta.url));
  daemon = spawn(process.execPath, [script, path.join(local.root, "images"), local.logsDirectory, local.image], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (daemon.stdout === null) throw new Error("The daemon's output is not a pipe.");
  const [line] = await once(createInterface(daemon.stdout), "line");
  pids = z.array(z.number()).parse(JSON.parse(z.string().parse(line)));
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await vi.waitFor(() => expect([...marked(), ...watchdogs()]).toEqual([]), soon);
  await local.close();
});

/** Processes that carry the mark of this test's daemon, its watchdog left out. */
function marked(): number[] {
  const owner = readProcessRecord(local.stateDirectory)?.owner ?? "none";
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && processStartTime(pid) !== undefined)
    .filter((pid) => environment(pid).includes(`SWITCHYARD_RUNTIME=${owner}`));
}

function environment(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch (error) {
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}

function watchdogs(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && processStartTime(pid) !== undefined)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`watchdog.ts\0${local.stateDirectory}`));
}

describe.skipIf(process.platform !== "linux")("after kill -9 of the daemon", () => {
  it("the watchdog ends its instances, their children in sessions of their own too, and then itself", async () => {
    await vi.waitFor(() => expect(marked().length).toBeGreaterThanOrEqual(4), soon);
    daemon.kill("SIGKILL");
    await vi.waitFor(() => expect(marked()).toEqual([]), soon);
    await vi.waitFor(() => expect(watchdogs()).toEqual([]), soon);
    expect(readProcessRecord(local.stateDirectory)?.processes).toEqual([]);
    expect(readdirSync(path.join(local.stateDirectory, "homes"))).toEqual([]);
  });

  it("the next start ends them where the watchdog is gone too", async () => {
    // Somebody ends the watchdog; it is started again a few times, then no more.
    await vi.waitFor(async () => {
      for (const pid of watchdogs()) process.kill(pid, "SIGKILL");
      daemon.kill("SIGSTOP");
      expect(watchdogs()).toEqual([]);
    }, soon);
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
    expect(pids.filter((pid) => processStartTime(pid) !== undefined)).toEqual(pids);
    const ended = await endOrphans(local.stateDirectory);
    expect(ended).toEqual(
      expect.arrayContaining([
        { name: "plain", pid: pids[0] },
        { name: "family", pid: pids[1] },
      ]),
    );
    expect(marked()).toEqual([]);
    expect(await endOrphans(local.stateDirectory)).toEqual([]);
  });
});

describe("while the daemon lives", () => {
  it("nothing of it is ended", async () => {
    expect(await endOrphans(local.stateDirectory)).toEqual([]);
    expect(pids.map(processStartTime)).not.toContain(undefined);
  });

  it("a watchdog of another runtime ends nothing of it", async () => {
    expect(await endOrphans(local.stateDirectory, { owner: "somebody-else" })).toEqual([]);
    expect(pids.map(processStartTime)).not.toContain(undefined);
  });
});

describe("a record", () => {
  it("of a pid that now belongs to another process does not end that one", async () => {
    const record = readProcessRecord(local.stateDirectory);
    if (record === undefined) throw new Error("There is no record.");
    const stranger = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
    const elsewhere = path.join(local.root, "elsewhere");
    writeProcessRecord(elsewhere, {
      ...record,
      owner: "dead",
      daemon: { pid: record.daemon.pid, startTime: "1" },
      processes: [{ name: "x", pid: stranger.pid ?? 0, startTime: "1" }],
    });
    expect(await endOrphans(elsewhere)).toEqual([]);
    expect(processStartTime(stranger.pid ?? 0)).toBeDefined();
    stranger.kill("SIGKILL");
  });

  it("that is damaged is refused with the file's name and kept", async () => {
    const elsewhere = path.join(local.root, "elsewhere");
    writeProcessRecord(elsewhere, { version: 1, owner: "x", daemon: { pid: 1, startTime: "1" }, processes: [] });
    const file = path.join(elsewhere, "processes.json");
    await writeFile(file, "{");
    await expect(endOrphans(elsewhere)).rejects.toThrow(`${file} is damaged`);
    expect(await readFile(file, "utf8")).toBe("{");
  });
});
