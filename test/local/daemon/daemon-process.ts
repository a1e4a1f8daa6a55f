import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";

const main = join(import.meta.dirname, "../../../local/daemon/main.ts");

const readySchema = z.object({
  ready: z.literal(true),
  pid: z.number(),
  startTime: z.string(),
  controlUrl: z.string(),
  tokenFile: z.string(),
  providers: z.object({ gcp: z.number(), kubernetes: z.number() }),
  googleEndpoint: z.string(),
});
const failureSchema = z.object({
  ready: z.literal(false),
  error: z.object({ name: z.string(), message: z.string() }),
});
const statusSchema = z.looseObject({
  listeners: z.array(z.object({ name: z.string(), url: z.string(), port: z.number() })),
  notRestored: z.array(z.object({ type: z.string(), id: z.string(), reason: z.string() })),
  settings: z.record(z.string(), z.union([z.number(), z.boolean()])),
});

export type Ready = z.infer<typeof readySchema>;

/** A daemon in a process of its own, owned by this one. */
export interface DaemonProcess {
  readonly info: Ready;
  readonly token: string;
  /** ms from its start to its ready line. */
  readonly startMs: number;
  /** A call of the control API. */
  control(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  status(): Promise<z.infer<typeof statusSchema>>;
  /** A call of the Google REST API below projects/switchyard-local. */
  google(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  /** Closes its stdin, as the owner's end does. Resolves when it has ended. */
  letGo(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
  readonly exitCode: number | null;
}

/** The daemon said that it cannot start. */
export class StartFailedError extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Errors: StartFailedError. */
export async function startDaemonProcess(root: string, flags: readonly string[] = []): Promise<DaemonProcess> {
  const begun = performance.now();
  const child = spawn(process.execPath, [main, "--root", root, "--owned", ...flags], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const info = await firstLine(child, () => errors);
  const startMs = performance.now() - begun;
  const token = await readFile(info.tokenFile, "utf8");

  async function call(url: string, method: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }

  return {
    info,
    token,
    startMs,
    control: (method, path, body) => call(`${info.controlUrl}${path}`, method, body),
    status: async () => statusSchema.parse((await call(`${info.controlUrl}/status`, "GET", undefined)).body),
    async google(method, path, body) {
      const reply = await call(`${info.googleEndpoint}projects/switchyard-local/${path}`, method, body);
      return { status: reply.status, body: z.record(z.string(), z.unknown()).parse(reply.body) };
    },
    async letGo() {
      child.stdin.end();
      await exited;
    },
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
    get exitCode() {
      return child.exitCode;
    },
  };
}

async function firstLine(child: ChildProcess, errors: () => string): Promise<Ready> {
  if (child.stdout === null) throw new Error("The daemon's output cannot be read.");
  for await (const line of createInterface({ input: child.stdout })) {
    const json: unknown = JSON.parse(line);
    const failure = failureSchema.safeParse(json);
    if (failure.success) throw new StartFailedError(failure.data.error.name, failure.data.error.message);
    return readySchema.parse(json);
  }
  throw new Error(`The daemon ended before it was ready: ${errors()}`);
}

/** Polls until the condition gives something. Errors: after the deadline, with what was waited for. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  deadlineMs = 15_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
