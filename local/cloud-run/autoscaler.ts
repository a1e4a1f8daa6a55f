import { idleLimitMs, recommend, type ScalingLimits } from "./scaling.ts";
import { TimeWeightedAverage } from "./time-weighted-average.ts";

/** What a service's autoscaler remembers: demand, CPU, and what it asked for in the last 15 minutes. */
export class Autoscaler {
  readonly #demand: TimeWeightedAverage;
  readonly #cpu: TimeWeightedAverage;
  readonly #past: { readonly at: number; readonly instances: number }[] = [];
  #cpuIsKnown = false;
  #recommended = 0;

  /** `now` in ms. */
  constructor(now: number) {
    this.#demand = new TimeWeightedAverage(now);
    this.#cpu = new TimeWeightedAverage(now);
  }

  /** Instances that were asked for when it last looked. */
  get recommended(): number {
    return this.#recommended;
  }

  /** Requests in flight and waiting, without probes. */
  setDemand(requests: number, now: number): void {
    this.#demand.set(requests, now);
  }

  /** vCPU that all instances use. */
  setCpu(used: number, now: number): void {
    this.#cpu.set(used, now);
    this.#cpuIsKnown = true;
  }

  /** Instances that there are after a start: what was started is kept for as long as what was recommended. */
  started(instances: number, now: number): void {
    this.#past.push({ at: now, instances });
  }

  evaluate(limits: ScalingLimits, now: number): { readonly instances: number; readonly mostRecommended: number } {
    const { instances } = recommend(
      {
        inFlight: { oneMinute: this.#demand.over(60_000, now), tenMinutes: this.#demand.over(600_000, now) },
        cpuUsed: this.#cpuIsKnown ? this.#cpu.over(60_000, now) : undefined,
      },
      limits,
    );
    this.#recommended = instances;
    this.#past.push({ at: now, instances });
    while ((this.#past[0]?.at ?? now) < now - idleLimitMs) this.#past.shift();
    return { instances, mostRecommended: Math.max(...this.#past.map((past) => past.instances)) };
  }
}
