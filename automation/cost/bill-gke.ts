/** A month on GKE Autopilot: what pods request, and the cluster. Pure. */
import { type BillPoint, cappedNote, creditLine, line, type UsagePoint } from "./bill.ts";
import { networkBill } from "./bill-network.ts";
import { inFlight, monthHours, runningInstances } from "./load-model.ts";
import { type AutopilotRates, autopilotStorageGibHour, gkeClusterCredit, gkeClusterHour } from "./prices.ts";
import { googleNetwork } from "./prices-network.ts";

/** GiB of ephemeral storage that a pod requests which names none. */
const storageGib = 1;

export function gkeBill(usage: UsagePoint, rates: AutopilotRates): BillPoint {
  const { requests, durationMs, concurrency, minInstances, maxInstances, idleShare, freeTier } = usage;
  const atOnce = inFlight(requests, durationMs);
  // A Deployment keeps at least one pod.
  const least = Math.max(1, minInstances);
  const { instances, capped } = runningInstances(atOnce / concurrency, idleShare, least, maxInstances);
  const { vcpus, gib } = autopilotRequest(usage.vcpus, usage.gib);
  const hours = instances * monthHours;
  const fee = line("cluster", monthHours, "h", gkeClusterHour);
  const network = networkBill(usage, googleNetwork);
  return {
    lines: [
      line("CPU of pods", hours * vcpus, "vCPU-h", { usd: rates.vcpuHour, source: rates.source }),
      line("memory of pods", hours * gib, "GiB-h", { usd: rates.gibHour, source: rates.source }),
      line("ephemeral storage of pods", hours * storageGib, "GiB-h", autopilotStorageGibHour),
      fee,
      ...(freeTier ? [creditLine("credit for one cluster", [fee], gkeClusterCredit)] : []),
      ...network.lines,
    ],
    notes: [...cappedNote(capped, maxInstances), ...network.notes],
  };
}

/** As Autopilot raises it: 1 to 6.5 GiB per vCPU. */
function autopilotRequest(vcpus: number, gib: number): { readonly vcpus: number; readonly gib: number } {
  return { vcpus: Math.max(vcpus, gib / 6.5), gib: Math.max(gib, vcpus) };
}
