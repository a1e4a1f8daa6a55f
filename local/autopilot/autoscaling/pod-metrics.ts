import type { InstanceUsage } from "../../runtime/runtime.ts";
import type { UsageSample } from "./replica-calculation.ts";

/** The last window of one pod, by resource. */
export interface PodUsage {
  readonly cpu: UsageSample;
  readonly memory: UsageSample;
}

interface Reading {
  readonly pid: number;
  readonly at: number;
  readonly cpuMs: number;
}

/**
 * What a metrics server keeps: each pod's CPU between the last two readings of its process, and its memory at the last one.
 * A pod has no usage until it has been read twice; a container that was started again begins anew.
 */
export class PodMetrics {
  #readings = new Map<string, Reading>();
  #usage = new Map<string, PodUsage>();

  /** Takes one reading of all instances, made at `at`, ms since the epoch. */
  take(instances: readonly InstanceUsage[], at: number): void {
    const readings = new Map<string, Reading>();
    const usage = new Map<string, PodUsage>();
    for (const { name, pid, cpuMs, memoryBytes } of instances) {
      readings.set(name, { pid, at, cpuMs });
      const before = this.#readings.get(name);
      if (before === undefined || before.pid !== pid || at <= before.at) continue;
      const windowMs = at - before.at;
      const cores = Math.max(0, cpuMs - before.cpuMs) / windowMs;
      usage.set(name, {
        cpu: { milli: Math.round(cores * 1000), at, windowMs },
        memory: { milli: memoryBytes * 1000, at, windowMs },
      });
    }
    this.#readings = readings;
    this.#usage = usage;
  }

  /** By the pod's name. */
  of(pod: string): PodUsage | undefined {
    return this.#usage.get(pod);
  }
}
