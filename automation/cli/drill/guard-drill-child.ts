/** A campaign of guard's drill as a process beside the drill's own, and what it found. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { type GuardDrillMessage, type GuardDrillPlan, guardDrillMessage } from "./guard-drill-messages.ts";

/** A heap that the goal of 400 MB leaves room for: without a limit it grows as long as there is memory. */
const heap = ["--max-old-space-size=300", "--max-semi-space-size=32"];

/** `root`: the checkout's. What goes wrong is the message "broken". Errors: an abort's reason. */
export function playInChild(root: string, plan: GuardDrillPlan, signal: AbortSignal): Promise<GuardDrillMessage> {
  signal.throwIfAborted();
  const program = join(root, "automation", "cli", "drill", "guard-drill-process.ts");
  const child = fork(program, [JSON.stringify(plan)], { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: heap });
  const broken = (message: string): GuardDrillMessage => ({ name: "broken", campaign: plan.campaign, message });
  let said: GuardDrillMessage | undefined;
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints = `${complaints}${chunk.toString()}`.slice(-2_000);
  });
  child.on("message", (message) => {
    const read = guardDrillMessage.safeParse(message);
    said = read.success ? read.data : broken(`it said something else than agreed: ${read.error.message}`);
    child.kill("SIGKILL");
  });
  const stop = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve, reject) => {
    const end = (message: GuardDrillMessage): void => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(signal.reason);
      else resolve(message);
    };
    child.once("error", (error) => end(broken(`its process could not be started: ${error.message}`)));
    child.once("close", () =>
      end(said ?? broken(`its process ended early: ${complaints.trim() || "it said nothing"}`)),
    );
  });
}
