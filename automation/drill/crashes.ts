/**
 * Crashes: the engine is killed at every place where a process can die, and at random times, and another process takes over.
 * The end must be the one of a swap without a crash, with no effect carried out twice.
 */
import { type Campaign, type CrashRow, campaign } from "./results.ts";
import { type EngineEnd, type RunningEngine, startEngine } from "./simulation/engine.ts";
import type { SimulatedProcess } from "./simulation/process.ts";
import { type Random, seeded } from "./simulation/random.ts";
import { candidate, SimulatedWorld, type WorldOptions } from "./simulation/world.ts";
import { codeOf, Stage } from "./stage.ts";

/** A kind of swap that is crashed. */
export interface CrashedSwap {
  readonly name: string;
  readonly world: WorldOptions;
  /** Makes the candidate what the kind needs. */
  readonly given: (world: SimulatedWorld) => void;
}

const short = { ramp: [5, 50, 100] };

export const crashedSwaps: readonly CrashedSwap[] = [
  { name: "completes", world: { swap: short }, given: () => undefined },
  {
    name: "is rolled back",
    world: { swap: short },
    given: (world) => world.balancer.setSide(candidate, { applicationErrors: 0.5 }),
  },
  { name: "fails over", world: { mode: "failover" }, given: () => undefined },
];

/** The requirement: lease 15 s plus 5 s where the dead one cannot be seen to be dead; at once on the same machine. */
const elsewhereMs = 20_000;
const hereMs = 1_000;
/** A swap that has not ended by then never will, virtual ms. */
const patienceMs = 2 * 3_600_000;
/** A call that was sent has arrived at the balancer by then. */
const arrivedMs = 200;

/** What must be the same however often the engine died. */
interface Ending {
  readonly ended: string;
  readonly reason: string;
  readonly weights: string;
  readonly platforms: string;
  readonly attached: string;
  /** Writes that changed weights, and operations that changed something, in order: no effect twice. */
  readonly writes: readonly string[];
  readonly operations: readonly string[];
}

interface CrashRun {
  readonly ending: Ending;
  /** Places where the last process could have died. */
  readonly points: readonly string[];
  readonly crashes: number;
  readonly breaches: readonly string[];
  readonly swapCaused: number;
  /** Takeovers: virtual ms from the start of the next process to its first line, and whether it was on the same machine. */
  readonly takeovers: readonly { readonly here: boolean; readonly ms: number }[];
  /** How processes ended that had stood still and were replaced, by code. */
  readonly woken: readonly string[];
}

/**
 * How one process dies: at the n-th place from its start where it can, or so much later, ms. One that only stands still at a
 * place is replaced all the same; it wakes long after, or at the worst moment: when the one that replaced it is about to
 * change something for the first time.
 */
export type Death =
  | { readonly point: number }
  | { readonly point: number; readonly stillUntil: "long after" | "worst moment" }
  | { readonly afterMs: number };

/** One swap whose n-th process dies the n-th death. `hostOf`: the machine of the n-th process. */
export async function crash(
  swap: CrashedSwap,
  seed: number,
  deaths: readonly Death[],
  hostOf: (process: number) => string,
): Promise<CrashRun> {
  const world = new SimulatedWorld({ ...swap.world, seed });
  swap.given(world);
  return world.clock.run(async () => {
    const stage = new Stage(world);
    let points: string[] = [];
    let death: Death | undefined;
    /** Stands still until the worst moment. */
    let still: SimulatedProcess | undefined;
    world.onPoint = (point, process) => {
      wakeFirst(point, process);
      points.push(point);
      if (death === undefined || !("point" in death) || points.length !== death.point) return;
      if (!("stillUntil" in death)) return process.kill();
      process.stop();
      still = death.stillUntil === "worst moment" ? process : undefined;
      world.after(stillMs, () => process.continue());
    };
    const wakeFirst = (point: string, process: SimulatedProcess): void => {
      if (still === undefined || process === still || !changesSomething.test(point)) return;
      still.continue();
      still = undefined;
      // Behind the one that wakes, whose call takes its time to arrive.
      process.stop();
      world.after(arrivedMs, () => process.continue());
    };
    const woken: string[] = [];
    const takeovers: { here: boolean; ms: number }[] = [];
    let crashes = 0;
    const begunAt = world.clock.now();
    for (let number = 0; ; number += 1) {
      const startedAt = world.clock.now();
      let heard = number === 0;
      points = [];
      death = deaths[number];
      const engine = startEngine(world, {
        host: hostOf(number),
        listener: {
          onEvent: (event) => {
            if (heard || event.kind !== "engine") return;
            heard = true;
            takeovers.push({ here: hostOf(number) === hostOf(number - 1), ms: world.clock.now() - startedAt });
          },
        },
      });
      if (death !== undefined && "afterMs" in death) world.after(death.afterMs, () => engine.process.kill());
      const mayStandStill = death !== undefined && "stillUntil" in death;
      const end = await ended(world, engine, begunAt + patienceMs, mayStandStill);
      if (end === "still") {
        void engine.ended.then((how) => {
          if (how.kind !== "killed") woken.push(how.kind === "failed" ? codeOf(how.error) : how.kind);
        });
      } else {
        if (end?.kind === "failed") throw end.error;
        if (end?.kind !== "killed") break;
      }
      crashes += 1;
    }
    // What those do that stood still and wake counts too.
    if (deaths.some((one) => "stillUntil" in one)) await world.clock.sleep(stillMs);
    return {
      ending: await endingOf(world, stage),
      points,
      crashes,
      breaches: world.breaches.map(({ invariant, what }) => `${invariant}: ${what}`),
      swapCaused: world.balancer.totals().failed.swap,
      takeovers,
      woken,
    };
  });
}

/** undefined: it did not end in time. still: it stands still. */
async function ended(
  world: SimulatedWorld,
  engine: RunningEngine,
  until: number,
  mayStandStill: boolean,
): Promise<EngineEnd | "still" | undefined> {
  let end: EngineEnd | undefined;
  void engine.ended.then((how) => {
    end = how;
  });
  while (end === undefined && world.clock.now() < until) {
    if (mayStandStill && engine.process.stopped) return "still";
    await world.clock.sleep(100);
  }
  if (end === undefined) engine.process.kill();
  return end;
}

async function endingOf({ balancer, cloud }: SimulatedWorld, stage: Stage): Promise<Ending> {
  const state = await stage.swap();
  return {
    ended: state?.end?.as ?? "not ended",
    reason: state?.end?.reason ?? state?.paused?.reason ?? "",
    weights: JSON.stringify(balancer.workers()),
    platforms: [...cloud.platforms].map(([name, { image, available }]) => `${name} ${image} ${available}`).join(),
    attached: cloud.attached.join(),
    writes: balancer.writes.map((weights) => JSON.stringify(weights)),
    operations: [...cloud.operations],
  };
}

/** What counts of the end: the times in between are the crash's. */
function sameEnd(a: Ending, b: Ending): boolean {
  const keys = ["ended", "reason", "weights", "platforms", "attached"] as const;
  return keys.every((key) => a[key] === b[key]);
}

/** Effects that are in one list more often than they should. */
function repeated(found: readonly string[], expected: readonly string[]): readonly string[] {
  const left = [...expected];
  return found.filter((one) => {
    const place = left.indexOf(one);
    if (place < 0) return true;
    left.splice(place, 1);
    return false;
  });
}

class Tally {
  readonly #swap: string;
  readonly #kind: CrashRow["kind"];
  readonly #whole: CrashRun;
  readonly #problems: string[] = [];
  #runs = 0;
  #crashes = 0;
  #divergences = 0;
  #twice = 0;
  #breaches = 0;
  #swapCaused = 0;
  #slowestHereMs = 0;
  #slowestElsewhereMs = 0;

  constructor(swap: string, kind: CrashRow["kind"], whole: CrashRun) {
    this.#swap = swap;
    this.#kind = kind;
    this.#whole = whole;
    this.#breaches += whole.breaches.length;
    this.#swapCaused += whole.swapCaused;
    this.#problems.push(...whole.breaches.map((breach) => `without a crash: ${breach}`));
  }

  add(name: string, run: CrashRun): void {
    const { ending } = this.#whole;
    this.#runs += 1;
    this.#crashes += run.crashes;
    this.#breaches += run.breaches.length;
    this.#swapCaused += run.swapCaused;
    for (const breach of run.breaches) this.#problems.push(`${name}: ${breach}`);
    if (run.swapCaused > 0) this.#problems.push(`${name}: ${run.swapCaused} requests failed by the swap`);
    if (!sameEnd(run.ending, ending)) {
      this.#divergences += 1;
      this.#problems.push(
        `${name}: it ended as ${JSON.stringify(run.ending)}, without a crash as ${JSON.stringify(ending)}`,
      );
    }
    const twice = [
      ...repeated(run.ending.writes, ending.writes),
      ...repeated(run.ending.operations, ending.operations),
    ];
    this.#twice += twice.length;
    for (const effect of twice) this.#problems.push(`${name}: ${effect} happened twice`);
    for (const end of run.woken)
      if (!harmless.includes(end))
        this.#problems.push(`${name}: a process that had been replaced ended with ${end}, which is no refusal`);
    for (const { here, ms } of run.takeovers) {
      if (here) this.#slowestHereMs = Math.max(this.#slowestHereMs, ms);
      else this.#slowestElsewhereMs = Math.max(this.#slowestElsewhereMs, ms);
      if (ms > (here ? hereMs : elsewhereMs)) this.#problems.push(`${name}: taken over after ${Math.round(ms)} ms`);
    }
  }

  row(): CrashRow {
    return {
      swap: this.#swap,
      kind: this.#kind,
      points: this.#whole.points.length,
      runs: this.#runs,
      crashes: this.#crashes,
      divergences: this.#divergences,
      twice: this.#twice,
      breaches: this.#breaches,
      swapCaused: this.#swapCaused,
      slowestHereMs: Math.round(this.#slowestHereMs),
      slowestElsewhereMs: Math.round(this.#slowestElsewhereMs),
      ok: this.#problems.length === 0,
      problems: this.#problems,
    };
  }
}

/** Ends of a process that was replaced: it was refused, or it had seen the swap end before it stood still. */
const harmless = ["lease-lost", "fingerprint-conflict", "rested"];

const nowhere: readonly Death[] = [];
const alternating = (process: number): string => `host-${process % 2}`;
const always = (): string => "host-0";

/** Dies at every place once; every other time the next process is on another machine. */
export async function crashEverywhere(
  swap: CrashedSwap,
  seed: number,
  onRun: (done: number, of: number) => void = () => undefined,
): Promise<CrashRow> {
  const whole = await crash(swap, seed, nowhere, always);
  const tally = new Tally(swap.name, "every point", whole);
  for (let number = 1; number <= whole.points.length; number += 1) {
    tally.add(`point ${number}`, await crash(swap, seed, [{ point: number }], number % 2 === 0 ? always : alternating));
    onRun(number, whole.points.length);
  }
  return tally.row();
}

/** How long processes stand still at most, ms: longer than the rest of the swap. */
const stillMs = 120_000;
/** Places that come just before a change of the world. */
const changesSomething = /^(write .*: on its way|(up|destroy) .*: before)$/;

/**
 * Stands still at every place once (or at every n-th), as under SIGSTOP, while one on another machine takes over, and wakes
 * later.
 */
export async function stopEverywhere(
  swap: CrashedSwap,
  seed: number,
  every = 1,
  onRun: (done: number, of: number) => void = () => undefined,
): Promise<CrashRow> {
  const whole = await crash(swap, seed, nowhere, always);
  const tally = new Tally(swap.name, "stopped at every point", whole);
  for (let number = 1; number <= whole.points.length; number += every) {
    const stillUntil = Math.floor(number / every) % 2 === 0 ? "long after" : "worst moment";
    tally.add(`point ${number}, ${stillUntil}`, await crash(swap, seed, [{ point: number, stillUntil }], alternating));
    onRun(number, whole.points.length);
  }
  return tally.row();
}

/** Crashes in one run at most. */
const crashesAtMost = 5;

/** Dies at random places and times, up to five times in one swap. The same seed gives the same ones. */
export async function crashAtRandom(
  swap: CrashedSwap,
  seed: number,
  crashes: number,
  onRun: (done: number, of: number) => void = () => undefined,
): Promise<CrashRow> {
  const whole = await crash(swap, seed, nowhere, always);
  const tally = new Tally(swap.name, "at random", whole);
  const random = seeded(seed);
  for (let done = 0; done < crashes; ) {
    const deaths = drawDeaths(random, Math.min(crashesAtMost, crashes - done), whole.points.length);
    const run = await crash(swap, seed, deaths, random() < 0.5 ? always : alternating);
    tally.add(JSON.stringify(deaths), run);
    // A death after the end is no crash; another one is drawn for it.
    done += run.crashes;
    onRun(done, crashes);
  }
  return tally.row();
}

function drawDeaths(random: Random, most: number, points: number): readonly Death[] {
  const count = 1 + Math.floor(random() * most);
  return Array.from({ length: count }, () =>
    random() < 0.5
      ? { point: 1 + Math.floor(random() * points) }
      : // Any order of magnitude: the busy first second as much as the long bake.
        { afterMs: Math.round(10 ** (random() * 4.7)) },
  );
}

/** Every place of every kind of swap once, and `crashes` at random, spread over the kinds. */
export async function crashCampaign(
  seed: number,
  options: { readonly everywhere: boolean; readonly crashes: number },
  onRow: (row: CrashRow) => void = () => undefined,
): Promise<Campaign<CrashRow>> {
  const beganAt = performance.now();
  const rows: CrashRow[] = [];
  const keep = (row: CrashRow): void => {
    rows.push(row);
    onRow(row);
  };
  for (const swap of crashedSwaps) {
    if (options.everywhere) keep(await crashEverywhere(swap, seed));
    if (options.everywhere) keep(await stopEverywhere(swap, seed));
    if (options.crashes > 0) keep(await crashAtRandom(swap, seed, Math.ceil(options.crashes / crashedSwaps.length)));
  }
  return campaign("crashes", seed, rows, Math.round(performance.now() - beganAt));
}
