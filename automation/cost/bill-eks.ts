/** A month on EKS: nodes that the pods fit on, the cluster, and what Auto Mode adds. Pure. */
import { type BillPoint, cappedNote, line, type UsagePoint } from "./bill.ts";
import { networkBill } from "./bill-network.ts";
import { inFlight, monthHours, runningInstances } from "./load-model.ts";
import type { Price } from "./prices.ts";
import {
  awsDiskGibMonth,
  awsNatHour,
  eksAutoModeShare,
  eksClusterHour,
  type NodeType,
  nodeDiskGib,
} from "./prices-eks.ts";
import { awsNetwork } from "./prices-network.ts";

export interface EksNodes {
  readonly type: NodeType;
  readonly hour: Price;
  readonly minNodes: number;
  readonly autoMode: boolean;
  readonly natGateways: number;
}

/** undefined where one pod does not fit on the node. */
export function eksBill(usage: UsagePoint, nodes: EksNodes): BillPoint | undefined {
  const { requests, durationMs, concurrency, minInstances, maxInstances, idleShare, vcpus, gib } = usage;
  const perNode = podsPerNode(nodes.type, vcpus, gib);
  if (perNode === 0) return undefined;
  const least = Math.max(1, minInstances);
  const busy = inFlight(requests, durationMs) / concurrency;
  const { instances, capped } = runningInstances(busy, idleShare, least, maxInstances);
  const count = Math.max(nodes.minNodes, Math.ceil(instances / perNode));
  const fee: Price = { usd: nodes.hour.usd * eksAutoModeShare.usd, source: eksAutoModeShare.source };
  const network = networkBill(usage, awsNetwork);
  return {
    lines: [
      line("nodes", count * monthHours, "h", nodes.hour),
      ...(nodes.autoMode ? [line("Auto Mode", count * monthHours, "h", fee)] : []),
      line("disks of nodes", count * nodeDiskGib, "GiB", awsDiskGibMonth),
      line("cluster", monthHours, "h", eksClusterHour),
      line("address translation", nodes.natGateways * monthHours, "h", awsNatHour),
      ...network.lines,
    ],
    notes: [...cappedNote(capped, maxInstances), ...network.notes],
  };
}

/** Pods that every node has beside the agent's: network, proxy, DNS, logs. */
const systemPods = 4;
/** GiB below which the kubelet evicts. */
const evictionGib = 100 / 1_024;

/** Pods of the size that fit on a node beside what the kubelet keeps for itself. */
export function podsPerNode({ vcpus, gib, maxPods }: NodeType, podVcpus: number, podGib: number): number {
  const freeGib = gib - (255 + 11 * maxPods) / 1_024 - evictionGib;
  const fits = Math.min((vcpus - keptVcpus(vcpus)) / podVcpus, freeGib / podGib, maxPods - systemPods);
  // A hair more than a whole number is what binary fractions make of it.
  return Math.max(0, Math.floor(fits + 1e-9));
}

/** 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest. */
function keptVcpus(vcpus: number): number {
  const part = (from: number, to: number): number => Math.max(0, Math.min(vcpus, to) - from);
  return 0.06 * part(0, 1) + 0.01 * part(1, 2) + 0.005 * part(2, 4) + 0.0025 * part(4, Number.POSITIVE_INFINITY);
}
