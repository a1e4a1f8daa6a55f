import type { LocalCloud } from "../../adapters/local-cloud.ts";
import { SwitchyardError } from "../../errors.ts";
import type { Load } from "./load.ts";
import type { Sample } from "./report-data.ts";

const everyMs = 1_000;

/** Looks at the local cloud once a second, and tells the load generator of instances that ended by themselves. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #cloud: LocalCloud;
  readonly #load: Load;
  readonly #stop = new AbortController();
  readonly #told = new Set<string>();
  #asked: Readonly<Record<string, number>> = {};
  #running: Promise<void> | undefined;

  constructor(cloud: LocalCloud, load: Load) {
    this.#cloud = cloud;
    this.#load = load;
  }

  /** The weights that a swap's effect wrote last. */
  asked(weights: Readonly<Record<string, number>>): void {
    this.#asked = weights;
  }

  start(): void {
    this.#running = this.#loop();
  }

  /** Ends the looks; the last crashes are told before it resolves. */
  async stop(): Promise<void> {
    await this.abandon();
    await this.#tellCrashes();
  }

  /** Ends the looks, and no more. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { setTimeout: wait } = await import("node:timers/promises");
    while (!this.#stop.signal.aborted) {
      await this.#look().catch((error: unknown) => {
        // One look that fails is a gap in the report's curves, not an end of the demo.
        if (!(error instanceof SwitchyardError)) throw error;
      });
      await wait(everyMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const [traffic, usage] = await Promise.all([this.#cloud.traffic(), this.#cloud.usage(), this.#tellCrashes()]);
    const sums: Record<string, { instances: number; cpuPercent: number; memoryBytes: number }> = {};
    for (const { platform, cpuPercent, memoryBytes } of usage.instances) {
      const sum = sums[platform] ?? { instances: 0, cpuPercent: 0, memoryBytes: 0 };
      sums[platform] = {
        instances: sum.instances + 1,
        cpuPercent: sum.cpuPercent + cpuPercent,
        memoryBytes: sum.memoryBytes + memoryBytes,
      };
    }
    this.samples.push({ at: Date.now(), asked: this.#asked, applied: traffic.weights, usage: sums });
  }

  async #tellCrashes(): Promise<void> {
    for (const exit of (await this.#cloud.exits()).exits) {
      const key = `${exit.name} ${exit.at}`;
      if (exit.expected || this.#told.has(key)) continue;
      this.#told.add(key);
      this.#load.crash(exit.name, exit.platform, exit.at);
    }
  }
}
