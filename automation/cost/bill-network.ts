/** The lines of a bill that every platform has: balancer, traffic, logs. Pure. */
import { type BillPoint, line, tieredLine, type UsagePoint } from "./bill.ts";
import { monthHours } from "./load-model.ts";
import type { NetworkPrices } from "./prices-network.ts";

export function networkBill(usage: UsagePoint, prices: NetworkPrices): BillPoint {
  const { egressGib, logsGib, natGib, freeTier } = usage;
  const freeLogs = freeTier ? prices.freeLogsGib : 0;
  const lines = [
    line("balancer", monthHours, "h", prices.balancerHour),
    ...(egressGib === undefined
      ? []
      : [
          line("balancer, data", egressGib, "GiB", prices.balancerGib),
          tieredLine("traffic to the internet", egressGib, "GiB", prices.egress),
        ]),
    ...(natGib === undefined ? [] : [line("address translation, data", natGib, "GiB", prices.natGib)]),
    ...(logsGib === undefined ? [] : [line("logs", Math.max(0, logsGib - freeLogs), "GiB", prices.logsGib)]),
  ];
  const unknown = [
    ...(egressGib === undefined ? ["traffic to the internet (egress)"] : []),
    ...(logsGib === undefined ? ["logs (logs)"] : []),
    ...(natGib === undefined ? ["traffic of the agent's own calls (nat)"] : []),
  ];
  return {
    lines,
    notes: unknown.length === 0 ? [] : [`Not in it, because nobody said how much: ${unknown.join(", ")}.`],
  };
}
