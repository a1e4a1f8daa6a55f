#!/usr/bin/env node
// Plain JavaScript, so that any Node can start it: below 24 it runs itself again with the Node that npm installed here.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const wanted = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const major = Number(process.versions.node.split(".")[0]);

/** Says in both forms of the catalogue what keeps the program itself from starting. */
function refuse(code, message, next) {
  const exitCode = 2;
  if (process.argv.includes("--json")) {
    const error = { code, message, next: [next], exitCode };
    process.stdout.write(`${JSON.stringify({ status: "error", error, warnings: [] })}\n`);
  } else {
    process.stderr.write(`Error: ${code}\n${message}.\n${next}\nMore:           docs/errors.md#${code}\n`);
  }
  process.exitCode = exitCode;
}

/**
 * Keeps compiled sources in the user's cache folder, which halves the time to start; without a folder that can be written node goes on.
 * What this process starts (the local cloud, the load generator) takes it over.
 */
async function keepCompiled() {
  // Not at the top: an old node has no such function.
  const { enableCompileCache } = await import("node:module");
  const { NODE_COMPILE_CACHE: given, XDG_CACHE_HOME: caches = "" } = process.env;
  const folder = given ?? join(isAbsolute(caches) ? caches : join(homedir(), ".cache"), "switchyard", "compiled");
  enableCompileCache(folder);
  process.env.NODE_COMPILE_CACHE = folder;
}

async function run() {
  await keepCompiled();
  // The parent of a run-again is the one that was asked to end; without it nobody would stop this one.
  if (process.send !== undefined) {
    process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
    process.channel.unref();
  }
  let main;
  try {
    ({ main } = await import("../automation/cli/main.ts"));
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    refuse("packages-missing", error.message.split("\n")[0], `To install them:   cd ${root} && npm ci`);
    return;
  }
  await main(root);
}

/** In the same process group, and with a channel whose end tells it that this process is gone. */
function runAgain(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  // A terminal sends its Ctrl-C to both; elsewhere it comes here alone.
  const terminal = [0, 1, 2].some((stream) => isatty(stream));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => (signal === "SIGINT" && terminal ? undefined : child.kill(signal)));
  }
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

if (major >= wanted) {
  await run();
} else {
  const node = join(root, "node_modules", "node", "bin", "node");
  if (existsSync(node) && spawnSync(node, ["--version"]).status === 0) {
    runAgain(node);
  } else {
    const installed = existsSync(join(root, "node_modules"));
    refuse(
      "node-too-old",
      `Switchyard needs Node ${wanted} or newer; this is ${process.versions.node}, and the npm package \`node\` that brings it is not ${installed ? "complete (npm ci --ignore-scripts leaves its binary out)" : "installed"}`,
      installed ? `To repair it:   cd ${root} && npm rebuild node` : `To install it:   cd ${root} && npm ci`,
    );
  }
}
