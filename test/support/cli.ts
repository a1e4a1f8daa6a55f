/**
 * The command line as users meet it: `node bin/switchyard.js …` as a process, in a checkout of its own. That checkout shares
 * the sources with this one; its state, its switchyard.yaml and its home are its own.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, readlink, symlink } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { removeFolder } from "./remove-folder.ts";

export const checkout = join(import.meta.dirname, "..", "..");

/** What a checkout consists of, beside bin/: the program finds its root from where its own file is. */
const shared = [
  "automation",
  "components",
  "docs",
  "local",
  "node_modules",
  "package.json",
  "Pulumi.yaml",
  "services",
  "stacks",
  "test",
  "tools",
  "tsconfig.json",
];

/** How a process ended, and what it said. */
export interface CliResult {
  readonly args: readonly string[];
  /** undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A command that runs. */
export interface CliProcess {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
  /** Presses keys; for one on a terminal. */
  type(keys: string): void;
  /** Until its text has this. Errors: when it ends before, or after the deadline. */
  says(text: string | RegExp, deadlineMs?: number): Promise<void>;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Default the one that runs the tests. */
  readonly node?: string;
  readonly stdin?: string;
  /** On a terminal of its own (util-linux `script`), whose text is all on stdout. */
  readonly terminal?: boolean;
}

/** Whether this machine can give a command a terminal. */
export const hasTerminals = existsSync("/usr/bin/script") && process.platform === "linux";

const envelope = z.discriminatedUnion("status", [
  z.strictObject({
    status: z.literal("ok"),
    result: z.record(z.string(), z.unknown()),
    warnings: z.array(z.string()),
  }),
  z.strictObject({
    status: z.literal("error"),
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      next: z.array(z.string()),
      exitCode: z.number(),
      platform: z.string().optional(),
      rollbackRequired: z.boolean().optional(),
      violations: z.array(z.string()).optional(),
      data: z.record(z.string(), z.unknown()).optional(),
    }),
    warnings: z.array(z.string()),
  }),
]);

export type Envelope = z.infer<typeof envelope>;

/** Exactly one JSON document, one line, of the envelope's form. Errors: anything else. */
export function parseEnvelope(stdout: string): Envelope {
  const [line = "", ...rest] = stdout.split("\n");
  if (rest.join("") !== "") throw new Error(`more than one line on stdout:\n${stdout}`);
  return envelope.parse(JSON.parse(line));
}

export interface CliCheckout {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  start(args: readonly string[], options?: CliOptions): CliProcess;
  /** With --json. The result of a command that succeeds. Errors: with all that was said, when it does not. */
  result(...args: string[]): Promise<Readonly<Record<string, unknown>>>;
  /** With --json. The error of a command that fails; its exit code is checked against the envelope's. */
  failure(...args: string[]): Promise<Extract<Envelope, { status: "error" }>["error"]>;
  /** Ends what runs in it, its local cloud too, and removes it. */
  close(): Promise<void>;
}

export async function openCliCheckout(without: readonly string[] = []): Promise<CliCheckout> {
  const root = await mkdtemp(join(tmpdir(), "switchyard-cli-"));
  for (const name of shared) {
    if (!without.includes(name)) await symlink(join(checkout, name), join(root, name));
  }
  await mkdir(join(root, "bin"));
  for (const name of await readdir(join(checkout, "bin"))) {
    await copyFile(join(checkout, "bin", name), join(root, "bin", name));
  }
  const home = join(root, "home");
  await mkdir(home);
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    // The engine is made once for all tests.
    XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] ?? join(process.env["HOME"] ?? homedir(), ".cache"),
    LANG: "C.UTF-8",
  };
  const running = new Set<CliProcess>();

  function start(args: readonly string[], options: CliOptions = {}): CliProcess {
    const command = [options.node ?? process.execPath, join(root, "bin", "switchyard.js"), ...args];
    const [program = "", ...rest] =
      options.terminal === true ? ["script", "-qec", command.map(quote).join(" "), "/dev/null"] : command;
    const child = spawn(program, rest, {
      cwd: options.cwd ?? root,
      env: { ...env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (options.terminal !== true) child.stdin.end(options.stdin ?? "");
    const started = cliProcess(child, args);
    running.add(started);
    const forget = () => running.delete(started);
    started.ended.then(forget, forget);
    return started;
  }

  const run = (args: readonly string[], options: CliOptions = {}) => start(args, options).ended;

  return {
    root,
    env,
    start,
    run,
    async result(...args) {
      const ended = await run([...args, "--json"]);
      const said = parseEnvelope(ended.stdout);
      if (said.status !== "ok" || ended.code !== 0) throw new Error(`${describe(ended)}`);
      return said.result;
    },
    async failure(...args) {
      const ended = await run([...args, "--json"]);
      const said = parseEnvelope(ended.stdout);
      if (said.status !== "error") throw new Error(`it should have failed: ${describe(ended)}`);
      if (ended.code !== said.error.exitCode) throw new Error(`another exit code: ${describe(ended)}`);
      return said.error;
    },
    async close() {
      for (const one of running) one.kill("SIGKILL");
      await Promise.all([...running].map((one) => one.ended));
      await run(["local", "stop"]);
      await removeFolder(root);
    },
  };
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What runs in or for a checkout: its folder is in the command line, or it is the working folder. Linux only. */
export async function processesOf(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    try {
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
      const folder = await readlink(`/proc/${pid}/cwd`);
      // A zombie has no command line.
      if (command !== "" && (command.includes(root) || folder.startsWith(root))) found.push(`${pid} ${command}`);
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

export function describe(ended: CliResult): string {
  return `switchyard ${ended.args.join(" ")} ended with ${ended.signal ?? ended.code}\n${ended.stdout}\n${ended.stderr}`;
}

function cliProcess(child: ChildProcess, args: readonly string[]): CliProcess {
  const begun = performance.now();
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const ms = performance.now() - begun;
      resolve({ args, code: code ?? undefined, signal: signal ?? undefined, stdout, stderr, ms });
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the command could not be started");
  return {
    pid,
    ended,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    kill(signal) {
      child.kill(signal);
    },
    type(keys) {
      child.stdin?.write(keys);
    },
    says(text, deadlineMs = 30_000) {
      return new Promise((resolve, reject) => {
        const look = (): boolean => {
          const all = `${stdout}${stderr}`;
          return typeof text === "string" ? all.includes(text) : text.test(all);
        };
        const settle = (problem: string | undefined): void => {
          clearTimeout(late);
          listeners.delete(listener);
          if (problem === undefined) resolve();
          else reject(new Error(`${problem} "${String(text)}"; it said:\n${stdout}\n${stderr}`));
        };
        const late = setTimeout(() => settle(`not said within ${deadlineMs} ms:`), deadlineMs);
        const listener = (): void => {
          if (look()) settle(undefined);
        };
        listeners.add(listener);
        ended.then(
          () => settle(look() ? undefined : "it ended before it said"),
          () => settle("it could not be started to say"),
        );
        listener();
      });
    },
  };
}
