import pidusage from "pidusage";
import type { Clock } from "./clock.ts";
import type { Instance, InstanceUsage } from "./runtime.ts";

/** Samples closer than this share one reading: CPU over a few ms is noise. */
const shortestIntervalMs = 250;

/** CPU and memory of instances' main processes, one reading for all callers. */
export function createUsageSampler(
  clock: Clock,
): (instances: readonly Instance[]) => Promise<readonly InstanceUsage[]> {
  let last: { readonly at: number; readonly usage: Promise<readonly InstanceUsage[]> } | undefined;
  return (instances) => {
    if (last === undefined || clock.now() - last.at >= shortestIntervalMs) {
      last = { at: clock.now(), usage: sample(instances) };
    }
    return last.usage;
  };
}

async function sample(instances: readonly Instance[]): Promise<readonly InstanceUsage[]> {
  if (instances.length === 0) return [];
  // pidusage leaves out those that ended meanwhile.
  const stats: Readonly<Record<string, pidusage.Status | undefined>> = await pidusage(instances.map(({ pid }) => pid));
  return instances.flatMap(({ name, platform, pid }) => {
    const stat = stats[String(pid)];
    return stat === undefined || stat === null
      ? []
      : [{ name, platform, pid, cpuPercent: stat.cpu, cpuMs: stat.ctime, memoryBytes: stat.memory }];
  });
}
