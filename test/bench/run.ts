/**
 * `npm run bench [-- NAME …]`: the benchmarks one after another, each in a process of its own; without names all but the
 * long ones. Ratios against a peer in the same run where there is one.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const benches = [
  "startup",
  "router",
  "engine",
  "decide",
  "sequential",
  "idle-connections",
  "guard-hops",
  "guard-edit",
  "guard-status",
  "detection",
  "scan",
] as const;
/** Ten minutes and more. */
const long: readonly string[] = ["detection"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benches.some((bench) => bench === name));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(", ")}; there are ${benches.join(", ")}.\n`);
  process.exit(2);
}
const chosen = asked.length > 0 ? asked : benches.filter((bench) => !long.includes(bench));
let missed = 0;
for (const name of chosen) {
  process.stdout.write(`\n${name}\n`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.bench.ts`)], { stdio: "inherit" });
  if (status !== 0) missed += 1;
}
process.exitCode = missed === 0 ? 0 : 1;
