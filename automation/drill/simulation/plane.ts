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
  /**
   * true: out of order. Within its delay a worker takes the new weights, falls back to the ones before, and takes the new
   * ones again for good, at thirds of it, as the local cloud's do.
   */
  readonly relapse: boolean;
}

interface Applied {
  readonly at: number;
  readonly weights: Weights;
}

export class DataPlane {
  propagation: Propagation;
  readonly #workers: Applied[][];
  readonly #random: Random;
  /** Accepted last. */
  #newest: Weights;

  constructor(weights: Weights, at: number, workers: number, propagation: Propagation, random: Random) {
    this.propagation = propagation;
    this.#random = random;
    this.#newest = weights;
    this.#workers = Array.from({ length: workers }, () => [{ at, weights }]);
  }

  /** The API accepted these weights. */
  change(weights: Weights, now: number): void {
    if (!this.propagation.follows) return;
    const { delayMs, spreadMs, relapse } = this.propagation;
    const before = this.#newest;
    this.#newest = weights;
    for (const [index, worker] of this.#workers.entries()) {
      // One that follows at once draws nothing, so that what else is drawn stays as it is.
      const takesMs = delayMs + (spreadMs > 0 ? this.#random() * spreadMs : 0);
      const first = { at: now + takesMs / 3, weights };
      const back = { at: now + (2 * takesMs) / 3, weights: before };
      const last = { at: now + takesMs, weights };
      // A worker that has a younger change for good ignores an older one.
      const kept = worker.filter((entry) => entry.at <= last.at);
      const shown = [...kept, ...(relapse && takesMs > 0 ? [first, back] : []), last];
      this.#workers[index] = shown.toSorted((a, b) => a.at - b.at);
    }
  }

  /** Every worker follows for good within so long, ms. */
  get followsWithinMs(): number {
    const { follows, delayMs, spreadMs } = this.propagation;
    return follows ? delayMs + spreadMs : Number.POSITIVE_INFINITY;
  }

  /** Everything that some worker is still going to show after a time, the older weights of a relapse among it. */
  after(time: number): readonly Weights[] {
    return this.#workers.flatMap((worker) => worker.filter((entry) => entry.at > time).map(({ weights }) => weights));
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
