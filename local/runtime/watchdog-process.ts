import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface Watchdog {
  /** Lets it end what is left, and resolves when it has ended itself. */
  release(): Promise<void>;
}

/** A watchdog that was ended by somebody is started again this often. */
const relaunches = 3;

/**
 * Starts the watchdog of this process: it ends the owner's processes when this process ends in whatever way. It does not keep this process
 * alive, and as it leads a session of its own no signal to this one's group or terminal reaches it.
 */
export function startWatchdog(stateDirectory: string, owner: string): Watchdog {
  const script = fileURLToPath(new URL(`./watchdog${path.extname(import.meta.url)}`, import.meta.url));
  let released = false;
  let remaining = relaunches;
  let child = launch();

  function launch() {
    const launched = spawn(process.execPath, [script, stateDirectory, owner], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      // TMPDIR: it takes away what lies there.
      env: { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"] },
    });
    launched.unref();
    // A pipe can be unreferenced, although the type of a child's stdin does not say so.
    if ("unref" in launched.stdin && typeof launched.stdin.unref === "function") launched.stdin.unref();
    // Nothing is written, so this is only its end being reported twice; the exit is handled below.
    launched.stdin.on("error", () => undefined);
    // Where it cannot be started the next start of a daemon ends what is left.
    launched.on("error", () => undefined);
    launched.once("exit", () => {
      if (released || remaining === 0) return;
      remaining -= 1;
      child = launch();
    });
    return launched;
  }

  return {
    async release() {
      released = true;
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const exited = once(child, "exit");
      child.stdin.end();
      await exited;
    },
  };
}
