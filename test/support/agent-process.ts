import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const service = fileURLToPath(new URL("../../services/kiro/", import.meta.url));
const startDeadlineMs = 15_000;
const lineSchema = z.looseObject({ severity: z.string(), message: z.string(), port: z.int().optional() });

export interface AgentProcess {
  readonly url: string;
  readonly pid: number;
  /** Parsed log lines so far. */
  readonly log: readonly z.infer<typeof lineSchema>[];
  /** Resolves when the log has such a line; fails after 15 s. */
  logged(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Exit code, null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** SIGKILL if it still runs. */
  end(): Promise<void>;
}

/** Starts the agent as its platforms do, on a free port of loopback. `folder` is another image's folder. */
export async function startAgentProcess(
  env: Readonly<Record<string, string>>,
  folder: string = service,
): Promise<AgentProcess> {
  const child: ChildProcess = spawn(process.execPath, ["main.ts"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", PORT: "0", HOST: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("the agent has no output");
  let errors = "";
  stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const log: z.infer<typeof lineSchema>[] = [];
  const watchers = new Set<() => void>();
  createInterface({ input: stdout }).on("line", (line) => {
    log.push(lineSchema.parse(JSON.parse(line)));
    for (const watcher of watchers) watcher();
  });
  const exited = once(child, "exit").then(([code]) => z.number().nullable().parse(code));

  const logged = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const deadline = setTimeout(() => settle(new Error(`no log line like ${pattern}: ${errors}`)), startDeadlineMs);
      const settle = (error?: Error): void => {
        clearTimeout(deadline);
        watchers.delete(look);
        if (error) reject(error);
        else resolve();
      };
      const look = (): void => {
        if (log.some((line) => pattern.test(line.message))) settle();
      };
      watchers.add(look);
      exited.then((code) => settle(new Error(`the agent ended with ${code}: ${errors}`)), reject);
      look();
    });

  try {
    await logged(/^Listening/);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    url: `http://127.0.0.1:${log.find((line) => line.port !== undefined)?.port}`,
    pid: child.pid ?? 0,
    log,
    logged,
    signal: (name) => void child.kill(name),
    exited,
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}
