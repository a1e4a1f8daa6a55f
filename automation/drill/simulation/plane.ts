/** The balancer's data plane: workers that follow the accepted weights late, each at its own time. */
import type { Weights } from "../../ports/traffic-router.ts";
import type { Random } from "./random.ts";

export interface Propagation {
  /** From an accepted write to its effect on the fastest worker, ms. */
  readonly delayMs: number;
  /**
   * The slowest worker is later than the fastest by up to that, ms. Each worker draws anew for each change: some are old,
   * some new, and one may get a change before another has got the one before it.
   */
  readonly spreadMs: number;
  /** false: changes are accepted and never followed. */
  readonly follows: boolean;
}

interface Applied {
  readonly at: number;
  readonly version: number;
  readonly weights: Weights;
}

export class DataPlane {
  propagation: Propagation;
  readonly #workers: Applied[][];
  readonly #random: Random;
  #version = 1;

  constructor(weights: Weights, at: number, workers: number, propagation: Propagation, random: Random) {
    this.propagation = propagation;
    this.#random = random;
    this.#workers = Array.from({ length: workers }, () => [{ at, version: 1, weights }]);
  }

  /** The API accepted these weights. */
  change(weights: Weights, now: number): void {
    this.#version += 1;
    if (!this.propagation.follows) return;
    const { delayMs, spreadMs } = this.propagation;
    for (const [index, worker] of this.#workers.entries()) {
      // One that follows at once draws nothing, so that what else is drawn stays as it is.
      const at = now + delayMs + (spreadMs > 0 ? this.#random() * spreadMs : 0);
      // A worker that has a younger change ignores an older one.
      this.#workers[index] = [...worker.filter((entry) => entry.at <= at), { at, version: this.#version, weights }];
    }
  }

  /** Every worker's weights at a time. */
  at(time: number): readonly Weights[] {
    return this.#workers.map((worker) => newest(worker, time));
  }

  /** The weights that a request meets: those of the worker that it happens to reach. */
  weightsFor(time: number, random: Random): Weights {
    const index = this.#workers.length === 1 ? 0 : Math.floor(random() * this.#workers.length);
    return newest(this.#workers[index] ?? [], time);
  }
}

function newest(worker: readonly Applied[], time: number): Weights {
  return worker.findLast((entry) => entry.at <= time)?.weights ?? worker[0]?.weights ?? {};
}

/** A platform by weight; empty when there is none. */
export function chooseSide(weights: Weights, random: Random): string {
  const entries = Object.entries(weights);
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [platform, weight] of entries) {
    left -= weight;
    if (left < 0) return platform;
  }
  return entries.at(-1)?.[0] ?? "";
}
