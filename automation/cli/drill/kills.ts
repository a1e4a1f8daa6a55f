/**
 * A real swap on a local cloud, under load, whose process is killed with SIGKILL again and again: once at every kind of line
 * that its journal gets, and at random moments. A new process goes on each time.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SwitchyardError } from "../../errors.ts";
import type { SwapEvent } from "../../swap/state.ts";
import type { SwapRecord } from "../../swap/store.ts";
import type { Composition, Environment } from "../compose.ts";
import { bringUp } from "../demo/demo.ts";
import { clearDemo, enterDemo } from "../demo/demo-state.ts";
import { Load } from "../demo/load.ts";
import { label, type ProgressLines } from "../progress.ts";
import { servingPlatform } from "../swap-start.ts";

export interface KillOptions {
  /** all: once at every kind of journal line. A number: so many at random moments. */
  readonly kills: number | "all";
  readonly rate: number;
  readonly seed: number;
}

export interface KillsResult {
  readonly kills: readonly {
    readonly at: string;
    /** From the start of the process that took over to its first line, ms; undefined for the last one. */
    readonly resumedInMs: number | undefined;
  }[];
  readonly end: string;
  readonly slowestResumeMs: number;
  readonly requests: { readonly sent: number; readonly failed: number; readonly swapCaused: number };
  /** Effects that were carried out more than once, not counting those that were found done. */
  readonly twice: readonly string[];
  readonly problems: readonly string[];
}

/** Lease of 15 s and 5 s (issue "a swap engine that can be trusted"). */
const resumeLimitMs = 20_000;
/** A swap that was killed at every line takes a few minutes. */
const deadlineMs = 900_000;
const pollMs = 5;

/** Errors: environment-in-use, and those of everything that it runs. */
export async function runKills(
  composition: Composition,
  lines: ProgressLines,
  signal: AbortSignal,
  options: KillOptions,
): Promise<KillsResult> {
  await enterDemo(composition);
  const cloud = await composition.localCloud();
  let load: Load | undefined;
  let victim: Victim | undefined;
  try {
    const environment = await composition.environment("local");
    await bringUp("cloud-run", environment, lines, signal);
    await bringUp("traffic", environment, lines, signal);
    const balancer = await environment.balancer();
    load = await Load.start({ root: composition.root, url: balancer.url, host: balancer.host, ...options });
    lines.line(
      label("Kills", options.kills === "all" ? "once at every kind of journal line" : `${options.kills} at random`),
    );
    const choose = options.kills === "all" ? atEveryPoint() : atRandom(options.kills, options.seed);
    const found: { at: string; resumedInMs: number | undefined }[] = [];
    const deadline = Date.now() + deadlineMs;
    for (let process = 0; ; process += 1) {
      victim = Victim.start(
        composition.root,
        process === 0 ? ["start", "--to", "gke", "--profile", "demo"] : ["resume"],
      );
      const life = await watch(environment, victim, choose, signal, deadline);
      const last = found.at(-1);
      if (last !== undefined) last.resumedInMs = life.firstLineMs;
      if (life.killedAt === undefined) break;
      lines.line(label("Killed", `at ${life.killedAt}`));
      found.push({ at: life.killedAt, resumedInMs: undefined });
    }
    const summary = await load.stop();
    load = undefined;
    const record = await environment.store.latest();
    const serving = await servingPlatform(environment);
    return conclude(found, record, serving, summary);
  } finally {
    await victim?.kill();
    load?.kill();
    try {
      await cloud.stop();
    } finally {
      await clearDemo(composition);
    }
  }
}

/** Pure. */
function conclude(
  kills: KillsResult["kills"],
  record: SwapRecord | undefined,
  serving: string,
  summary: { readonly sent: number; readonly failed: number; readonly failures: { readonly swap: number } },
): KillsResult {
  const end = record?.state.end?.as ?? "unfinished";
  const slowestResumeMs = Math.max(0, ...kills.map(({ resumedInMs }) => resumedInMs ?? 0));
  const twice = doneTwice(record?.events ?? []);
  const swapCaused = summary.failures.swap;
  const problems = [
    ...(end === "completed" ? [] : [`the swap ended ${end}`]),
    ...(serving === "gke" ? [] : [`${serving} serves at the end, not gke`]),
    ...(kills.length > 0 ? [] : ["no process was killed"]),
    ...(slowestResumeMs <= resumeLimitMs ? [] : [`one process took ${slowestResumeMs} ms to go on`]),
    ...twice.map((effect) => `${effect} was carried out twice`),
    ...(swapCaused === 0 ? [] : [`${swapCaused} of ${summary.sent} requests failed because of the swap`]),
  ];
  const requests = { sent: summary.sent, failed: summary.failed, swapCaused };
  return { kills, end, slowestResumeMs, requests, twice, problems };
}

/** Weights that were written by two outcomes, neither of which found them there. Stacks converge: an `up` again changes nothing. Pure. */
function doneTwice(events: readonly SwapEvent[]): readonly string[] {
  const seen = new Map<string, number>();
  let weights: string | undefined;
  for (const event of events) {
    if (event.kind === "intent")
      weights = event.effect.kind === "write-weights" ? JSON.stringify(event.effect.weights) : undefined;
    if (event.kind === "outcome" && event.ok && !event.found && weights !== undefined)
      seen.set(weights, (seen.get(weights) ?? 0) + 1);
  }
  return [...seen].filter(([, times]) => times > 1).map(([name]) => `the write of ${name}`);
}

/** Whether to kill now that the journal ends like this; the name of the place if so. */
type Choose = (events: readonly SwapEvent[], sinceMs: number) => string | undefined;

/** Once at each kind of line in each phase. */
function atEveryPoint(): Choose {
  const done = new Set<string>();
  return (events) => {
    const last = events.at(-1);
    if (last === undefined) return undefined;
    const name = pointOf(last, events);
    if (done.has(name)) return undefined;
    done.add(name);
    return name;
  };
}

/** Between 0.1 and 4 s after the process's first line, so often. */
function atRandom(times: number, seed: number): Choose {
  let state = (seed + 1) >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let left = times;
  let next = 100 + random() * 4_000;
  return (events, sinceMs) => {
    if (left === 0 || sinceMs < next) return undefined;
    left -= 1;
    next = 100 + random() * 4_000;
    const last = events.at(-1);
    return last === undefined ? "the start" : `${pointOf(last, events)}, ${Math.round(sinceMs)} ms into the process`;
  };
}

function pointOf(event: SwapEvent, events: readonly SwapEvent[]): string {
  const entered = events.findLast((one) => one.kind === "entered");
  const phase = entered?.kind === "entered" ? entered.phase : "deploying";
  return `${event.kind}${event.kind === "intent" ? ` ${event.effect.kind}` : ""} in ${phase}`;
}

/** Follows one process until it ends by itself or is killed. Errors: demo-failed after the deadline, or when it ends badly. */
async function watch(
  environment: Environment,
  victim: Victim,
  choose: Choose,
  signal: AbortSignal,
  deadline: number,
): Promise<{ readonly killedAt: string | undefined; readonly firstLineMs: number | undefined }> {
  const startedAt = performance.now();
  const before = (await environment.store.latest())?.events.length ?? 0;
  let firstLineMs: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    if (Date.now() > deadline) throw failed(`the swap did not end in time; its process said: ${victim.said}`);
    const events = (await environment.store.latest())?.events ?? [];
    if (events.length > before) {
      firstLineMs ??= performance.now() - startedAt;
      const at = victim.code === undefined ? choose(events, performance.now() - startedAt - firstLineMs) : undefined;
      if (at !== undefined) {
        await victim.kill();
        return { killedAt: at, firstLineMs };
      }
    }
    if (victim.code !== undefined) {
      if (victim.code !== 0) throw failed(`a process ended with ${victim.code}: ${victim.said}`);
      return { killedAt: undefined, firstLineMs };
    }
    await wait(pollMs);
  }
}

function failed(message: string): SwitchyardError {
  return new SwitchyardError("drill-failed", { message: `Kills: ${message}` });
}

/** A `switchyard swap …` of its own. */
class Victim {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  code: number | undefined;
  said = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.said = `${this.said}${chunk.toString()}`.slice(-2_000);
      });
    this.#closed = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        this.code = code ?? -1;
        resolve();
      });
    });
  }

  static start(root: string, args: readonly string[]): Victim {
    const program = join(root, "bin", "switchyard.js");
    return new Victim(
      spawn(process.execPath, [program, "swap", ...args, "--env", "local", "--json"], {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      }),
    );
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.code === undefined) this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
