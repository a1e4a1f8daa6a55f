/**
 * Real swaps on a local cloud, under load, whose process is killed with SIGKILL again and again: once at every kind of line
 * that a journal gets, or at random moments. A new process goes on each time.
 */
import { join } from "node:path";
import type { LocalCloud } from "../../adapters/local-cloud.ts";
import type { SwapEvent } from "../../swap/state.ts";
import type { SwapRecord } from "../../swap/store.ts";
import type { Composition, Environment } from "../compose.ts";
import { bringUp } from "../demo/demo.ts";
import { Load } from "../demo/load.ts";
import { label, type ProgressLines } from "../progress.ts";
import { servingPlatform } from "../swap-start.ts";
import { duration } from "../text.ts";
import type { DrillPlace } from "./drill-place.ts";
import { JournalEye } from "./journal-eye.ts";
import { atEveryPoint, atRandom, type KillPlan } from "./kill-points.ts";
import { killedCode, Victim } from "./victim.ts";

export interface KillOptions {
  /** all: once at every kind of journal line. A number: so many at random moments. */
  readonly kills: number | "all";
  readonly rate: number;
  readonly seed: number;
}

export interface KillsResult {
  readonly kills: readonly Kill[];
  readonly swaps: readonly { readonly to: string; readonly end: string; readonly lines: number }[];
  readonly slowestResumeMs: number;
  readonly requests: { readonly sent: number; readonly failed: number; readonly swapCaused: number };
  /** Effects that were carried out more than once, not counting those that were found done. */
  readonly twice: readonly string[];
  /** Places at which no process was killed although the swaps came by. */
  readonly missed: readonly string[];
  readonly problems: readonly string[];
  /** Real time, ms. */
  readonly tookMs: number;
}

export interface Kill {
  readonly at: string;
  /** From the start of the process that took over to its first line, ms; undefined when none had to: the swap had ended. */
  readonly resumedInMs: number | undefined;
}

/** Lease of 15 s and 5 s (issue "a swap engine that can be trusted"). */
export const resumeLimitMs = 20_000;
/** Without a new line the swap hangs, ms. Its longest silence is a step that gets no evidence. */
const silenceMs = 180_000;
/** Every kind of line and phase, with no step more than that takes. */
const shortSwap = ["--profile", "demo", "--ramp", "50,100", "--allow-over-budget"];
/** Swaps there and back until no place is left out. Lines may follow each other faster than a process can be killed. */
const swapsAtMost = { all: 2, random: 6 };

/** Errors: those of everything that it runs, before the first swap begins. */
export async function runKills(
  composition: Composition,
  place: DrillPlace,
  lines: ProgressLines,
  signal: AbortSignal,
  options: KillOptions,
): Promise<KillsResult> {
  const beganAt = performance.now();
  let cloud: LocalCloud | undefined;
  let load: Load | undefined;
  const victims: Victim[] = [];
  try {
    cloud = await composition.localCloud();
    const environment = await composition.environment("local");
    await bringUp("cloud-run", environment, lines, signal);
    await bringUp("traffic", environment, lines, signal);
    const balancer = await environment.balancer();
    load = await Load.start({ root: place.root, url: balancer.url, host: balancer.host, ...options });
    const { kills, seed } = options;
    const plan = kills === "all" ? atEveryPoint() : atRandom(kills, seed);
    lines.line(label("Kills", kills === "all" ? "once at every kind of journal line" : `${kills} at random`));
    const start = (args: readonly string[]): Victim => {
      const victim = Victim.start(place, args);
      victims.push(victim);
      return victim;
    };
    const found: Swapped[] = [];
    const most = kills === "all" ? swapsAtMost.all : swapsAtMost.random;
    for (let number = 0; number < most; number += 1) {
      const to = number % 2 === 0 ? "gke" : "cloud-run";
      const swap = await swapUnderKills(environment, to, plan, { start, lines, signal });
      found.push(swap);
      if (swap.broke !== undefined || plan.missing(found.map(eventsOf)).length === 0) break;
    }
    const summary = await load.stop();
    load = undefined;
    const serving = await servingPlatform(environment).catch((error: unknown) => {
      if (!(error instanceof Error) || signal.aborted) throw error;
      return error.message;
    });
    const missed = plan.missing(found.map(eventsOf));
    return { ...conclude(found, serving, summary, missed), tookMs: Math.round(performance.now() - beganAt) };
  } finally {
    await Promise.all(victims.map((victim) => victim.stop()));
    load?.kill();
    await cloud?.stop();
  }
}

/** One swap, and what became of the processes that drove it. */
export interface Swapped {
  readonly to: string;
  readonly kills: readonly Kill[];
  readonly record: SwapRecord | undefined;
  /** Why it could not be driven to its end. */
  readonly broke: string | undefined;
}

const eventsOf = ({ record }: Swapped): readonly SwapEvent[] => record?.events ?? [];

interface Hands {
  readonly start: (args: readonly string[]) => Victim;
  readonly lines: ProgressLines;
  readonly signal: AbortSignal;
}

async function swapUnderKills(
  environment: Environment,
  to: string,
  plan: KillPlan,
  { start, lines, signal }: Hands,
): Promise<Swapped> {
  const id = await environment.store.nextId();
  const eye = new JournalEye(join(environment.statePlace.folder, "swaps", id));
  const kills: { at: string; resumedInMs: number | undefined }[] = [];
  try {
    for (;;) {
      const victim = start(kills.length === 0 ? ["start", "--to", to, ...shortSwap] : ["resume"]);
      const life = await follow(environment, id, { victim, plan, eye, signal });
      const last = kills.at(-1);
      if (last !== undefined) last.resumedInMs = life.firstLineMs;
      if (life.killedAt !== undefined) {
        lines.line(label("Killed", `at ${life.killedAt}${resumed(life.firstLineMs, kills.length)}`));
        kills.push({ at: life.killedAt, resumedInMs: undefined });
      }
      const record = await environment.store.read(id);
      // Killed behind its last line, nobody has to go on.
      if (record?.state.end === undefined && life.killedAt !== undefined) continue;
      return { to, kills, record, broke: life.broke };
    }
  } finally {
    eye.close();
  }
}

function resumed(ms: number | undefined, before: number): string {
  return ms === undefined || before === 0 ? "" : ` (taken over in ${duration(ms)})`;
}

interface Life {
  readonly killedAt: string | undefined;
  /** From its start to its first line; undefined: it wrote none. */
  readonly firstLineMs: number | undefined;
  readonly broke: string | undefined;
}

interface Followed {
  readonly victim: Victim;
  readonly plan: KillPlan;
  readonly eye: JournalEye;
  readonly signal: AbortSignal;
}

/** Until the process ends by itself, is killed by the plan, or hangs. */
async function follow(environment: Environment, id: string, { victim, plan, eye, signal }: Followed): Promise<Life> {
  const startedAt = performance.now();
  let lines = (await environment.store.read(id))?.events.length ?? 0;
  let firstLineMs: number | undefined;
  let lineAt = startedAt;
  for (;;) {
    signal.throwIfAborted();
    // First whether it has ended, then what it wrote: what it wrote last is not missed.
    const { code } = victim;
    const events = (await environment.store.read(id))?.events ?? [];
    const now = performance.now();
    if (events.length > lines) {
      lines = events.length;
      lineAt = now;
      firstLineMs ??= now - startedAt;
    }
    if (code !== undefined) {
      const broke = code === 0 ? undefined : `a process ended with ${code}: ${victim.said}`;
      return { killedAt: undefined, firstLineMs, broke };
    }
    if (firstLineMs !== undefined) {
      const moment = { events, sinceLineMs: now - lineAt, sinceFirstLineMs: now - startedAt - firstLineMs };
      if (plan.wants(moment)) {
        await victim.kill();
        // It was quicker and ended by itself.
        if (victim.code !== killedCode) continue;
        const left = (await environment.store.read(id))?.events ?? [];
        const sinceLineMs = left.length > lines ? 0 : moment.sinceLineMs;
        return { killedAt: plan.killed({ ...moment, events: left, sinceLineMs }), firstLineMs, broke: undefined };
      }
    }
    if (now - lineAt > silenceMs) {
      await victim.kill();
      const broke = `nothing was written for ${duration(silenceMs)}, and the process was ended; it said: ${victim.said}`;
      return { killedAt: undefined, firstLineMs, broke };
    }
    await eye.change();
  }
}

/** Pure. */
export function conclude(
  swaps: readonly Swapped[],
  serving: string,
  summary: { readonly sent: number; readonly failed: number; readonly failures: { readonly swap: number } },
  missed: readonly string[],
): Omit<KillsResult, "tookMs"> {
  const kills = swaps.flatMap((swap) => swap.kills);
  const ends = swaps.map(({ to, record }) => ({
    to,
    end: record?.state.end?.as ?? "unfinished",
    lines: record?.events.length ?? 0,
  }));
  const slowestResumeMs = Math.max(0, ...kills.map(({ resumedInMs }) => resumedInMs ?? 0));
  const twice = swaps.flatMap((swap) => doneTwice(eventsOf(swap)));
  const swapCaused = summary.failures.swap;
  const expected = swaps.at(-1)?.to;
  const problems = [
    ...swaps.flatMap(({ broke }) => (broke === undefined ? [] : [broke])),
    ...ends.filter(({ end }) => end !== "completed").map(({ to, end }) => `the swap to ${to} ended ${end}`),
    ...(serving === expected ? [] : [`at the end ${expected ?? "a platform"} has to serve: ${serving}`]),
    ...(kills.length > 0 ? [] : ["no process was killed"]),
    ...swaps.flatMap(neverResumed),
    ...(slowestResumeMs <= resumeLimitMs ? [] : [`one process took ${duration(slowestResumeMs)} to go on`]),
    ...twice.map((effect) => `${effect} was carried out twice`),
    ...(swapCaused === 0 ? [] : [`${swapCaused} of ${summary.sent} requests failed because of the swap`]),
  ];
  const requests = { sent: summary.sent, failed: summary.failed, swapCaused };
  return { kills, swaps: ends, slowestResumeMs, requests, twice, missed, problems };
}

/** Only behind the last line of a swap nobody has to go on. */
function neverResumed({ kills, record }: Swapped): readonly string[] {
  const lost = kills.filter(({ resumedInMs }, index) => {
    const over = index === kills.length - 1 && record?.state.end !== undefined;
    return resumedInMs === undefined && !over;
  });
  return lost.map(({ at }) => `nobody went on after the kill at ${at}`);
}

/**
 * Weights that were written by two outcomes of one phase, neither of which found them there; going back writes again what was
 * written at the start. Stacks converge: an `up` again changes nothing. Pure.
 */
export function doneTwice(events: readonly SwapEvent[]): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  let phase = "deploying";
  let weights: string | undefined;
  for (const event of events) {
    if (event.kind === "entered") phase = event.phase;
    if (event.kind === "intent")
      weights = event.effect.kind === "write-weights" ? JSON.stringify(event.effect.weights) : undefined;
    if (event.kind !== "outcome" || !event.ok || event.found || weights === undefined) continue;
    const write = `the write of ${weights} in ${phase}`;
    if (seen.has(write)) twice.add(write);
    seen.add(write);
  }
  return [...twice];
}
