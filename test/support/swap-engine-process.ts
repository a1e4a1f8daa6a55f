/**
 * The swap engine as a process of its own over a world that is kept in a file, with its lease and journal on the real disk. It
 * kills itself with SIGKILL at the given point: `swap-engine-process.ts FOLDER POINT BAD`. Prints the number of points passed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "../../automation/adapters/node-file-system.ts";
import { operatingSystemProcesses } from "../../automation/adapters/operating-system-processes.ts";
import { createFileStateStore } from "../../automation/adapters/state-files.ts";
import { beginSwap, portsOf } from "../../automation/drill/simulation/engine.ts";
import { type LeftWorld, SimulatedWorld } from "../../automation/drill/simulation/world.ts";
import type { StateStore } from "../../automation/ports/state-store.ts";
import { runSwap } from "../../automation/swap/run.ts";
import { SwapStore, swapPurpose } from "../../automation/swap/store.ts";

interface Kept extends LeftWorld {
  readonly writes: readonly Readonly<Record<string, number>>[];
}

const [folder = "", pointText = "0", bad = "good"] = process.argv.slice(2);
const killAt = Number(pointText);
const worldPath = join(folder, "world.json");

const kept: Kept | undefined = existsSync(worldPath) ? JSON.parse(readFileSync(worldPath, "utf8")) : undefined;
const world = new SimulatedWorld({
  swap: { ramp: [50, 100], drain_timeout: 10 },
  requestsPerSecond: 200,
  ...(kept === undefined ? {} : { left: kept }),
});
for (const platform of ["cloud-run", "gke"]) world.balancer.setSide(platform, { longReplies: undefined });
if (bad === "bad") world.balancer.setSide("gke", { applicationErrors: 0.4 });

function save(): void {
  const state: Kept = {
    now: world.clock.now(),
    weights: world.balancer.accepted(),
    fence: world.balancer.fence(),
    platforms: Object.fromEntries(world.cloud.platforms),
    attached: world.cloud.attached,
    operations: world.cloud.operations,
    writes: [...(kept?.writes ?? []), ...world.balancer.writes],
  };
  writeFileSync(worldPath, JSON.stringify(state));
}

let points = 0;
function point(): void {
  points += 1;
  if (points === killAt) process.kill(process.pid, "SIGKILL");
}

world.onPoint = (name) => {
  // The world outlives the process.
  save();
  if (!name.startsWith("claim")) point();
};
const files = createFileStateStore({ files: nodeFileSystem, folder: join(folder, "state") });
const { clock } = world;
// Virtual time must not run ahead of a real disk, or a lease is over before it is written.
const store: StateStore = {
  description: files.description,
  read: (key) => clock.hold(() => files.read(key)),
  write: (key, value, expected) => clock.hold(() => files.write(key, value, expected)),
  list: (key) => clock.hold(() => files.list(key)),
  readLog: (key) => clock.hold(() => files.readLog(key)),
  async appendLog(key, number, line) {
    point();
    const written = await clock.hold(() => files.appendLog(key, number, line));
    point();
    return written;
  },
};

const simulated = world.processes.start("host");
const swaps = new SwapStore({
  store,
  processes: {
    self: () => clock.hold(() => operatingSystemProcesses.self()),
    isAlive: (other) => clock.hold(() => operatingSystemProcesses.isAlive(other)),
  },
  clock,
  environment: world.environment,
});
const state = await clock.run(async () => {
  // A process of this machine that is dead is seen to be dead: nothing to wait for.
  const lease = await swaps.claim(swapPurpose("1"));
  const journal = await beginSwap(world, swaps, "1", lease.token);
  save();
  const ports = portsOf(world, simulated, lease, (after) => swaps.requests("1", after));
  const end = await runSwap(journal, ports, { pid: process.pid, host: "test" }, AbortSignal.timeout(60_000));
  await lease.release();
  return end;
});
save();
process.stdout.write(`${JSON.stringify({ points, end: state.end?.as })}\n`);
