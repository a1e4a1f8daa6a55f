/** Processes that drive one batch at the same time, while some of them stand still longer than their lease and some die. */
import { type Random, randomOf } from "../../guard/judge/noise.ts";
import type { Plan } from "../../guard/plan/plan.ts";
import type { SimulatedProcess } from "../simulation/process.ts";
import type { Fleet } from "./fleet.ts";
import { startProcess } from "./guarded-process.ts";
import { drive, type Expected, endOf, planWave, problemsOf, whileMerging } from "./upgrade.ts";

export interface RivalRow {
  readonly seed: number;
  /** Processes that were started, and what became of them. */
  readonly processes: number;
  readonly pauses: number;
  readonly kills: number;
  /** Times that the batch's lock was taken, and writes that were accepted. */
  readonly locks: number;
  readonly writes: number;
  readonly problems: readonly string[];
}

export interface RivalOptions {
  makeFleet(): Promise<Fleet>;
  readonly target: string;
  readonly expected: Expected;
  readonly processes: number;
  /** One play each. */
  readonly seeds: readonly number[];
  readonly signal: AbortSignal;
}

/** Chances at a call of a process: that it stands still, that it dies. Few calls are made without the lock. */
const pauseChance = 0.01;
const killChance = 0.004;
const mostPauses = 30;
const mostKills = 10;
/** Shorter and longer than any lease of the drill, ms. */
const pauseMs = { least: 5_000, most: 400_000 };

export async function rivalCampaign(options: RivalOptions): Promise<readonly RivalRow[]> {
  const rows: RivalRow[] = [];
  for (const seed of options.seeds) {
    options.signal.throwIfAborted();
    rows.push(await playRivals(options, seed));
  }
  return rows;
}

async function playRivals(options: RivalOptions, seed: number): Promise<RivalRow> {
  const { target, expected, processes, signal } = options;
  const fleet = await options.makeFleet();
  const wave = fleet.waves[0] ?? "";
  const upgrade = { fleet, wave, target, signal };
  const chaos = new Chaos(fleet, randomOf(seed));
  let broke: readonly string[] = [];
  try {
    await fleet.clock.run(async () => {
      const plan = await planWave(upgrade);
      await whileMerging(upgrade, () =>
        Promise.all(Array.from({ length: processes }, () => driveAgain(upgrade, plan, chaos))),
      );
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    broke = [`it broke off: ${error.message}`];
  }
  const { locks, writes } = fleet.watched;
  const { started, pauses, kills } = chaos;
  const problems = [...broke, ...problemsOf(await endOf(fleet, wave), expected), ...fleet.problems()];
  return { seed, processes: started, pauses, kills, locks, writes, problems };
}

/** One after the other until one comes to its end. */
async function driveAgain(upgrade: Parameters<typeof drive>[0], plan: Plan, chaos: Chaos): Promise<void> {
  for (;;) {
    const guarded = startProcess(upgrade.fleet, chaos.nextPid(), (_, process) => chaos.at(process));
    const ended = await Promise.race([drive(upgrade, plan, guarded), guarded.process.killed.then(() => "killed")]);
    if (ended !== "killed") return;
  }
}

class Chaos {
  readonly #fleet: Fleet;
  readonly #random: Random;
  started = 0;
  pauses = 0;
  kills = 0;

  constructor(fleet: Fleet, random: Random) {
    this.#fleet = fleet;
    this.#random = random;
  }

  nextPid(): number {
    this.started += 1;
    return this.started;
  }

  at(process: SimulatedProcess): void {
    if (process.stopped || !process.alive) return;
    const chance = this.#random();
    if (chance < killChance && this.kills < mostKills) {
      this.kills += 1;
      process.kill();
    } else if (chance >= 1 - pauseChance && this.pauses < mostPauses) {
      this.pauses += 1;
      process.stop();
      const ms = pauseMs.least + Math.floor(this.#random() * (pauseMs.most - pauseMs.least));
      void this.#fleet.clock.sleep(ms).then(() => process.continue());
    }
  }
}
