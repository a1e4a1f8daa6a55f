/**
 * The swap engine as a process of its own over a world that is kept in a file, with its journal on the real disk. It kills
 * itself with SIGKILL at the given point: `swap-engine-process.ts FOLDER POINT BAD`. Prints the number of points passed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "../../automation/adapters/node-file-system.ts";
import { openJournal } from "../../automation/swap/journal.ts";
import { runSwap } from "../../automation/swap/run.ts";
import { journalFormat } from "../../automation/swap/state.ts";
import { SwapWorld } from "./swap-world.ts";

interface Kept {
  readonly now: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly writes: readonly Readonly<Record<string, number>>[];
  readonly operations: readonly string[];
  readonly up: readonly (readonly [string, string])[];
  readonly attached: readonly string[];
}

const [folder = "", pointText = "0", bad = "good"] = process.argv.slice(2);
const killAt = Number(pointText);
const worldPath = join(folder, "world.json");
const journal = join(folder, "journal.jsonl");

const kept: Kept | undefined = existsSync(worldPath) ? JSON.parse(readFileSync(worldPath, "utf8")) : undefined;
const world = new SwapWorld({
  swap: { ramp: [50, 100] },
  ...(kept === undefined ? {} : { weights: kept.weights, now: kept.now }),
});
if (bad === "bad") world.balancer.setSide("gke", { applicationErrors: 0.4 });
if (kept !== undefined) {
  world.operations.push(...kept.operations);
  world.up.clear();
  for (const [platform, image] of kept.up) world.up.set(platform, image);
  world.attached = kept.attached;
}

function save(): void {
  const state: Kept = {
    now: world.clock.now(),
    weights: world.balancer.writes.at(-1) ?? kept?.weights ?? { "cloud-run": 100 },
    writes: [...(kept?.writes ?? []), ...world.balancer.writes],
    operations: world.operations,
    up: [...world.up],
    attached: world.attached,
  };
  writeFileSync(worldPath, JSON.stringify(state));
}

let points = 0;
function point(): void {
  points += 1;
  if (points === killAt) process.kill(process.pid, "SIGKILL");
}

world.onEffect = (when) => {
  if (when === "after") save();
  point();
};
const files = {
  ...nodeFileSystem,
  async append(path: string, text: string): Promise<void> {
    point();
    await nodeFileSystem.append(path, text);
    point();
  },
};

if (kept === undefined) {
  const first = await openJournal(nodeFileSystem, journal);
  await first.append({
    kind: "started",
    format: journalFormat,
    at: world.clock.now(),
    id: "1",
    environment: "local",
    from: "cloud-run",
    to: "gke",
    image: "kiro@new",
    settings: world.settings,
    by: "tester",
  });
  save();
}
const state = await world.clock.run(async () =>
  runSwap(
    await openJournal(files, journal),
    world.ports(),
    { pid: process.pid, host: "test" },
    AbortSignal.timeout(60_000),
  ),
);
save();
process.stdout.write(`${JSON.stringify({ points, end: state.end?.as })}\n`);
