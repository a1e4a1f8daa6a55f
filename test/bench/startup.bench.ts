/** What a user waits for at the start, over ten runs each: `--help`, and the local cloud from its start to ready. */

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { quantile } from "../../automation/swap/gates/window.ts";
import { removeFolder } from "../support/remove-folder.ts";

const root = dirname(dirname(import.meta.dirname));
const runs = 10;

function report(name: string, times: readonly number[], limitMs: number): void {
  const p50 = quantile(times, 0.5) ?? Number.NaN;
  const p95 = quantile(times, 0.95) ?? Number.NaN;
  const met = p50 <= limitMs;
  process.stdout.write(
    `${name}: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms (limit ${limitMs} ms: ${met ? "met" : "missed"})\n`,
  );
  if (!met) process.exitCode = 1;
}

function help(): number {
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, [join(root, "bin", "switchyard.js"), "--help"]);
  if (status !== 0) throw new Error(`--help ended with ${status}`);
  return performance.now() - startedAt;
}

async function daemon(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-startup-"));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(root, "local", "daemon", "main.ts"), "--root", folder, "--owned"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    });
    if (!line.includes('"ready":true')) throw new Error(`the local cloud said ${line}`);
    return performance.now() - startedAt;
  } finally {
    child.stdin.end();
    await ended;
    await removeFolder(folder);
  }
}

report("--help", Array.from({ length: runs }, help), 400);
const ready: number[] = [];
for (let run = 0; run < runs; run += 1) ready.push(await daemon());
report("local cloud, start to ready", ready, 1_000);
