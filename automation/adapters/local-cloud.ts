/** The local cloud's daemon: started, stopped and asked through its control API. */
import { spawn } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { SideLoad } from "../ports/side-load.ts";
import { assertControlConfidential } from "./control-api.ts";
import { parseJson } from "./json-text.ts";
import { isErrno, startTimeOf } from "./process-facts.ts";
import { errorWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

const daemonFile = z.object({
  pid: z.number(),
  startTime: z.union([z.string(), z.number()]),
  controlUrl: z.string(),
  tokenFile: z.string(),
  providers: z.record(z.string(), z.number()),
  googleEndpoint: z.string(),
});

/** What the daemon prints instead when it cannot start. */
const startFailure = z.object({
  ready: z.literal(false),
  error: z.object({ name: z.string(), message: z.string() }),
});

const status = z.object({
  pid: z.number(),
  startedAt: z.union([z.number(), z.string()]),
  project: z.string(),
  region: z.string(),
  providers: z.record(z.string(), z.number()),
  googleEndpoint: z.string(),
  listeners: z.array(z.object({ name: z.string(), url: z.string(), port: z.number() })),
  settings: z.record(z.string(), z.unknown()),
});

const side = z.object({
  requests: z.number(),
  errors: z.number(),
  inFlight: z.number(),
  latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }),
});
const traffic = z.object({ sides: z.record(z.string(), side), weights: z.record(z.string(), z.number()) });

const usage = z.object({
  instances: z.array(
    z.object({
      name: z.string(),
      platform: z.string(),
      pid: z.number(),
      cpuPercent: z.number(),
      memoryBytes: z.number(),
    }),
  ),
});

const exits = z.object({
  exits: z.array(
    z.object({ name: z.string(), platform: z.string(), at: z.number(), expected: z.boolean(), lastOutput: z.string() }),
  ),
});

const dynamoDb = z.object({ endpoint: z.url() });

export type LocalCloudStatus = z.infer<typeof status>;
export type LocalTraffic = z.infer<typeof traffic>;
export type LocalUsage = z.infer<typeof usage>;
export type LocalExits = z.infer<typeof exits>;

export interface LocalCloudSettings {
  readonly propagationDelayMs?: number;
  /** From the first router worker that follows a change to the last. */
  readonly propagationSpreadMs?: number;
  /** false: each worker falls back to the older routes once before it has the new ones for good. */
  readonly propagationInOrder?: boolean;
  /** Of listeners that open from then on. */
  readonly routerWorkers?: number;
  /** Until an entry of the request log can be read. */
  readonly logDelayMs?: number;
  readonly coldStartDelayMs?: number;
  readonly negDelayMs?: number;
}

/** A daemon that answers. */
export interface LocalCloud {
  readonly pid: number;
  readonly controlUrl: string;
  readonly token: string;
  readonly tokenFile: string;
  readonly providers: Readonly<Record<string, number>>;
  readonly googleEndpoint: string;
  status(): Promise<LocalCloudStatus>;
  /** Of one listener (a forwarding rule's name) or of all together. */
  traffic(listener?: string): Promise<LocalTraffic>;
  usage(): Promise<LocalUsage>;
  exits(): Promise<LocalExits>;
  /** Settings of the simulators, times in ms; those not given stay. They hold for the daemon's life. */
  configure(settings: LocalCloudSettings): Promise<void>;
  /** Where its DynamoDB answers; started when it is first asked for. */
  dynamoDb(): Promise<string>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly root: string;
  /** The daemon's program. */
  readonly program: string;
  /** Owned: it ends with this process, even when that is killed. */
  readonly owned: boolean;
  /** What the daemon begins with, so that what comes back at its start has it too. */
  readonly settings?: LocalCloudSettings;
}

const startDeadlineMs = 15_000;
const stopDeadlineMs = 15_000;

/** The daemon of this folder if one runs; undefined when none does. Errors: local-cloud-failed, credentials-over-http. */
export async function findLocalCloud(root: string): Promise<LocalCloud | undefined> {
  const path = join(root, ".switchyard", "local", "daemon.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
  const parsed = daemonFile.safeParse(parseJson(text));
  if (!parsed.success || (await startTimeOf(parsed.data.pid)) === undefined) return undefined;
  // The file says where; whoever changed it does not get the token.
  assertControlConfidential(new URL(parsed.data.controlUrl));
  return (await listens(parsed.data.controlUrl)) ? connect(parsed.data) : undefined;
}

/** The pid may have been given to another process since; a refused control port tells. */
async function listens(controlUrl: string): Promise<boolean> {
  try {
    await fetch(controlUrl, { method: "HEAD", signal: AbortSignal.timeout(2_000) });
    return true;
  } catch (error) {
    return !(error instanceof Error && isErrno(error.cause, "ECONNREFUSED"));
  }
}

/**
 * Where another command starts it at the same time, the one that won is the answer.
 * Errors: local-cloud-failed, port-in-use, disk-full, disk-read-only.
 */
export async function startLocalCloud(options: StartOptions): Promise<LocalCloud> {
  const log = join(options.root, ".switchyard", "local", "logs", "daemon.log");
  await mkdir(dirname(log), { recursive: true });
  const logFile = await open(log, "a");
  const flags = ["--root", options.root, ...(options.owned ? ["--owned"] : [])];
  if (options.settings !== undefined) flags.push("--settings", JSON.stringify(options.settings));
  const child = spawn(process.execPath, [options.program, ...flags], {
    stdio: [options.owned ? "pipe" : "ignore", "pipe", logFile.fd],
    // Its own group: a Ctrl-C in the terminal is for the command, which then decides what becomes of the daemon.
    detached: true,
    cwd: options.root,
  });
  await logFile.close();
  const { stdout } = child;
  if (stdout === null) throw failed("its output cannot be read", log);
  const ended = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(failed(error.message, log)));
    // Not "exit": what it said about the reason may still be in the pipe then.
    child.once("close", (code, signal) => reject(failed(`it ended with ${signal ?? code} before it was ready`, log)));
  });
  const ready = (async () => {
    for await (const line of createInterface({ input: stdout })) {
      const said = parseJson(line);
      const parsed = daemonFile.safeParse(said);
      if (parsed.success) return parsed.data;
      const failure = startFailure.safeParse(said);
      if (failure.success) return failure.data.error;
    }
    return ended;
  })();
  const deadline = AbortSignal.timeout(startDeadlineMs);
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener(
      "abort",
      () => reject(failed(`it was not ready within ${startDeadlineMs / 1_000} s`, log)),
      {
        once: true,
      },
    );
  });
  ended.catch(() => undefined);
  late.catch(() => undefined);
  try {
    const found = await Promise.race([ready, ended, late]);
    if ("message" in found) {
      const other = found.name === "DaemonRunningError" && !options.owned;
      if (other) return await awaitLocalCloud(options.root, deadline, log);
      throw translate(found, options.root, log);
    }
    if (!options.owned) stdout.destroy();
    child.unref();
    const { stdin } = child;
    // The lifeline must not keep this process alive; it breaks when this process ends, however it ends.
    if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
    return await connect(found);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Another command is starting it at this moment. */
async function awaitLocalCloud(root: string, deadline: AbortSignal, log: string): Promise<LocalCloud> {
  for (;;) {
    const cloud = await findLocalCloud(root);
    if (cloud !== undefined) return cloud;
    if (deadline.aborted) throw failed(`another one was not ready within ${startDeadlineMs / 1_000} s`, log);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function failed(why: string, log: string): SwitchyardError {
  return new SwitchyardError("local-cloud-failed", {
    message: `The local cloud did not start: ${why}`,
    next: [`To see its log:   tail ${log}`],
  });
}

/** The daemon's own errors, as ours. */
function translate(
  error: { readonly name: string; readonly message: string },
  root: string,
  log: string,
): SwitchyardError {
  const message = `The local cloud did not start: ${error.message}`;
  if (error.name === "PortInUseError") return new SwitchyardError("port-in-use", { message });
  if (/\bENOSPC\b|\bEDQUOT\b/.test(error.message)) return new SwitchyardError("disk-full", { message });
  if (/\bEROFS\b|\bEACCES\b|\bEPERM\b/.test(error.message)) return new SwitchyardError("disk-read-only", { message });
  if (error.name === "DaemonRunningError") {
    return new SwitchyardError("local-cloud-failed", {
      message,
      next: "To look at the one that runs:   npx switchyard local status",
    });
  }
  if (error.name === "CorruptFileError") {
    return new SwitchyardError("local-cloud-failed", {
      message,
      next: `To start with nothing declared:   mv ${join(root, ".switchyard", "local")} ${join(root, ".switchyard", "local.damaged")}`,
    });
  }
  return failed(error.message, log);
}

async function connect(file: z.infer<typeof daemonFile>): Promise<LocalCloud> {
  const token = (await readFile(file.tokenFile, "utf8")).trim();
  const ask = async (path: string, method: "GET" | "POST" | "PATCH", body?: object): Promise<unknown> => {
    try {
      const response = await fetch(new URL(path, file.controlUrl), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
        redirect: "error",
      });
      if (!response.ok) throw new Error(`it answered ${response.status} to ${path}`);
      return await response.json();
    } catch (error) {
      // fetch reports every network failure as a TypeError whose cause says which.
      const why = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
      throw new SwitchyardError("local-cloud-failed", {
        message: `The local cloud (process ${file.pid}) does not answer ${path}: ${withoutSecrets(why instanceof Error ? why.message : String(why), [token])}`,
        cause: errorWithoutSecrets(error, [token]),
      });
    }
  };
  return {
    pid: file.pid,
    controlUrl: file.controlUrl,
    token,
    tokenFile: file.tokenFile,
    providers: file.providers,
    googleEndpoint: file.googleEndpoint,
    status: async () => status.parse(await ask("/status", "GET")),
    traffic: async (listener) => {
      const query = listener === undefined ? "" : `?${new URLSearchParams({ listener })}`;
      return traffic.parse(await ask(`/traffic${query}`, "GET"));
    },
    usage: async () => usage.parse(await ask("/usage", "GET")),
    exits: async () => exits.parse(await ask("/exits", "GET")),
    async configure(settings) {
      await ask("/settings", "PATCH", settings);
    },
    dynamoDb: async () => dynamoDb.parse(await ask("/dynamodb", "POST")).endpoint,
    async stop() {
      try {
        await ask("/stop", "POST");
      } catch (error) {
        // It had ended by itself.
        if ((await startTimeOf(file.pid)) === undefined) return;
        throw error;
      }
      const deadline = Date.now() + stopDeadlineMs;
      while ((await startTimeOf(file.pid)) !== undefined) {
        if (Date.now() > deadline) {
          throw new SwitchyardError("local-cloud-failed", {
            message: `The local cloud (process ${file.pid}) did not end within ${stopDeadlineMs / 1_000} s`,
            next: [`To end it:   kill -9 ${file.pid}`],
          });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** In flight per side of a listener (default: of all), as the local router counts it. */
export function createLocalSideLoad(cloud: Pick<LocalCloud, "traffic">, listener?: string): SideLoad {
  return {
    async inFlight(platform) {
      return (await cloud.traffic(listener)).sides[platform]?.inFlight ?? 0;
    },
  };
}
