#!/usr/bin/env node
// Plain JavaScript, so that any Node can start it: below 24 it runs itself again with the Node that npm installed here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const wanted = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const major = Number(process.versions.node.split(".")[0]);

/** A child in the same process group: Ctrl-C reaches both, and this one only waits for the other's end. */
async function runAgain(node) {
  const { spawn } = await import("node:child_process");
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

if (major >= wanted) {
  const { main } = await import("../automation/cli/main.ts");
  await main(root);
} else {
  const node = join(root, "node_modules", "node", "bin", "node");
  if (existsSync(node) && spawnSync(node, ["--version"]).status === 0) {
    await runAgain(node);
  } else {
    process.stderr.write(
      `Error: node-too-old\nSwitchyard needs Node ${wanted} or newer; this is ${process.versions.node}, and the npm package \`node\` that brings it is not complete` +
        ` (npm ci --ignore-scripts leaves it out).\nTo repair it:   npm rebuild node\n`,
    );
    process.exitCode = 1;
  }
}
