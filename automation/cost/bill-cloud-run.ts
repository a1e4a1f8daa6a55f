/** A month on Cloud Run, with either kind of billing. Pure. */
import { type BillPoint, cappedNote, creditLine, type LinePoint, line, type UsagePoint } from "./bill.ts";
import { networkBill } from "./bill-network.ts";
import { billedInFlight, busyInstances, monthSeconds, runningInstances } from "./load-model.ts";
import {
  type CloudRunBilling,
  type CloudRunTier,
  cloudRunFreeTier,
  cloudRunIdleVcpuSecond,
  cloudRunMillionRequests,
  cloudRunRates,
  type Price,
  type Source,
} from "./prices.ts";
import { googleNetwork } from "./prices-network.ts";

/** A tier, and whether it stands in for one that is not known. */
export interface CloudRunPlace {
  readonly tier: CloudRunTier;
  readonly standIn: boolean;
}

export function cloudRunBill(usage: UsagePoint, billing: CloudRunBilling, place: CloudRunPlace): BillPoint {
  const compute = billing === "request-based" ? requestBased(usage, place) : instanceBased(usage, place);
  const network = networkBill(usage, googleNetwork);
  return { lines: [...compute.lines, ...network.lines], notes: [...compute.notes, ...network.notes] };
}

function requestBased(usage: UsagePoint, place: CloudRunPlace): BillPoint {
  const { requests, durationMs, concurrency, vcpus, gib, minInstances, maxInstances } = usage;
  const needed = busyInstances(billedInFlight(requests, durationMs), concurrency);
  const busy = Math.min(needed, maxInstances);
  const idleSeconds = Math.max(0, minInstances - busy) * monthSeconds;
  const busySeconds = busy * monthSeconds;
  const price = pricesIn("request-based", place);
  const cpu = [
    line("CPU while it serves", busySeconds * vcpus, "vCPU-s", price.vcpuSecond),
    ...(idleSeconds > 0
      ? [line("CPU of kept instances while idle", idleSeconds * vcpus, "vCPU-s", price.idleVcpuSecond)]
      : []),
  ];
  const memory = [line("memory", (busySeconds + idleSeconds) * gib, "GiB-s", price.gibSecond)];
  const count = [line("requests", requests / 1e6, "million", price.millionRequests)];
  return {
    lines: [...cpu, ...memory, ...count, ...freeTierLines(usage, "request-based", cpu, memory, count)],
    notes: cappedNote(needed > maxInstances, maxInstances),
  };
}

function instanceBased(usage: UsagePoint, place: CloudRunPlace): BillPoint {
  const { requests, durationMs, concurrency, vcpus, gib, minInstances, maxInstances, idleShare } = usage;
  const busy = busyInstances(billedInFlight(requests, durationMs), concurrency);
  const { instances, capped } = runningInstances(busy, idleShare, minInstances, maxInstances);
  const price = pricesIn("instance-based", place);
  const cpu = [line("CPU", instances * monthSeconds * vcpus, "vCPU-s", price.vcpuSecond)];
  const memory = [line("memory", instances * monthSeconds * gib, "GiB-s", price.gibSecond)];
  return {
    lines: [...cpu, ...memory, ...freeTierLines(usage, "instance-based", cpu, memory, [])],
    notes: cappedNote(capped, maxInstances),
  };
}

/** The free amounts, at the prices of tier 1, off what they are free of. */
function freeTierLines(
  { freeTier }: UsagePoint,
  billing: CloudRunBilling,
  cpu: readonly LinePoint[],
  memory: readonly LinePoint[],
  count: readonly LinePoint[],
): readonly LinePoint[] {
  if (!freeTier) return [];
  const free = cloudRunFreeTier[billing];
  const tier1 = cloudRunRates[billing][1];
  const worth = (usd: number): Price => ({ usd, source: free.source });
  return [
    creditLine("free tier, CPU", cpu, worth(free.vcpuSeconds * tier1.vcpuSecond)),
    creditLine("free tier, memory", memory, worth(free.gibSeconds * tier1.gibSecond)),
    ...(count.length === 0
      ? []
      : [creditLine("free tier, requests", count, worth(free.millionRequests * cloudRunMillionRequests.usd))]),
  ];
}

function pricesIn(billing: CloudRunBilling, { tier, standIn }: CloudRunPlace) {
  const rates = cloudRunRates[billing][tier];
  const doubted = (source: Source): Source => (standIn ? { ...source, confidence: "unverified" } : source);
  return {
    vcpuSecond: { usd: rates.vcpuSecond, source: doubted(rates.source) },
    gibSecond: { usd: rates.gibSecond, source: doubted(rates.source) },
    idleVcpuSecond: { usd: cloudRunIdleVcpuSecond[tier].usd, source: doubted(cloudRunIdleVcpuSecond[tier].source) },
    millionRequests: cloudRunMillionRequests,
  };
}
