/** The bills of one workload on every platform, side by side. Pure. */
import { nearest } from "../nearest.ts";
import { type Bill, type BillPoint, combineBill } from "./bill.ts";
import { type CloudRunPlace, cloudRunBill } from "./bill-cloud-run.ts";
import { type EksNodes, eksBill } from "./bill-eks.ts";
import { gkeBill } from "./bill-gke.ts";
import { autopilotRates, autopilotRatesIn, type CloudRunBilling, cloudRunTiers } from "./prices.ts";
import { awsRegionFor, awsStandIn, nodeHour, nodeRegions, nodeTypes } from "./prices-eks.ts";
import { type ObservedLoad, type PlatformShape, type Usage, type UsageConfig, usageOn } from "./usage.ts";

export interface BillQuestion {
  /** Of Google. */
  readonly region: string;
  readonly usage: UsageConfig;
  readonly observed: ObservedLoad | undefined;
  /** By platform; EKS has the shape of `gke`. */
  readonly shapes: Readonly<Record<string, PlatformShape>>;
  /** Whether another region's price may stand in for one that the table has not, marked as unverified. */
  readonly allowStandIn: boolean;
}

/** Why a platform has no bill. */
export interface NoBill {
  readonly platform: string;
  readonly variant: string;
  readonly reason: "price-unknown" | "load-unknown" | "does-not-fit";
  /** For people, without a full stop. */
  readonly why: string;
}

export type Billed = { readonly bill: Bill } | { readonly none: NoBill };

/** Cloud Run with both kinds of billing, GKE, and EKS, in this order. */
export function allBills(question: BillQuestion): readonly Billed[] {
  return [
    billOf("cloud-run", question, "request-based"),
    billOf("cloud-run", question, "instance-based"),
    billOf("gke", question),
    billOf("eks", question),
  ];
}

/** The bill of a platform; of Cloud Run with the billing that the usage names, if no other is asked for. */
export function billOf(
  platform: "cloud-run" | "gke" | "eks",
  question: BillQuestion,
  billing: CloudRunBilling = question.usage.cloud_run.billing,
): Billed {
  const shape = question.shapes[platform === "eks" ? "gke" : platform] ?? {};
  const usage = usageOn(platform, question.usage, question.observed, shape);
  const variant = { "cloud-run": billing, gke: "autopilot", eks: eksVariant(question.usage) }[platform];
  if (usage === undefined) {
    const why = "nobody knows how many requests there are and how long they take, or a size cannot be read";
    return { none: { platform, variant, reason: "load-unknown", why } };
  }
  switch (platform) {
    case "cloud-run":
      return onCloudRun(question, usage, billing);
    case "gke":
      return onGke(question, usage, variant);
    case "eks":
      return onEks(question, usage, variant);
  }
}

function onCloudRun({ region, allowStandIn }: BillQuestion, usage: Usage, billing: CloudRunBilling): Billed {
  const tier = cloudRunTiers[region];
  const head = { platform: "cloud-run", variant: billing, region };
  if (tier === undefined && !allowStandIn)
    return unknownPrice(
      head,
      `no price of Cloud Run in ${region} is known${nearest(region, Object.keys(cloudRunTiers))}`,
    );
  const place: CloudRunPlace = { tier: tier ?? 1, standIn: tier === undefined };
  return combined(head, usage, (point) => cloudRunBill(point, billing, place), place.standIn ? ["tier 1"] : []);
}

function onGke({ region, allowStandIn }: BillQuestion, usage: Usage, variant: string): Billed {
  const head = { platform: "gke", variant, region };
  const known = autopilotRates[region] !== undefined;
  if (!known && !allowStandIn)
    return unknownPrice(
      head,
      `no price of Autopilot in ${region} is known (known: ${Object.keys(autopilotRates).join(", ")})`,
    );
  const rates = autopilotRatesIn(region);
  return combined(head, usage, (point) => gkeBill(point, rates), known ? [] : ["us-central1"]);
}

function onEks({ region, allowStandIn, usage: { eks } }: BillQuestion, usage: Usage, variant: string): Billed {
  const wanted = eks.region ?? awsRegionFor(region);
  const type = nodeTypes[eks.instance_type];
  const hour = wanted === undefined ? undefined : nodeHour(wanted, eks.instance_type);
  const standIn = hour === undefined && allowStandIn ? nodeHour(awsStandIn, eks.instance_type) : undefined;
  const head = { platform: "eks", variant, region: wanted ?? awsStandIn };
  const price = hour ?? (standIn && { ...standIn, source: { ...standIn.source, confidence: "unverified" as const } });
  if (type === undefined || price === undefined) {
    const place = wanted ?? `a region of AWS near ${region} (usage: eks.region)`;
    return unknownPrice(
      head,
      `no price of ${eks.instance_type} in ${place} is known; types: ${Object.keys(nodeTypes).join(", ")}; regions: ${nodeRegions.join(", ")}`,
    );
  }
  const nodes: EksNodes = {
    type,
    hour: price,
    minNodes: eks.min_nodes,
    autoMode: eks.auto_mode,
    natGateways: eks.nat_gateways,
  };
  const why = `a pod of ${usage.expected.vcpus} vCPU and ${usage.expected.gib} GiB does not fit on a node of type ${eks.instance_type}`;
  const none = { platform: "eks", variant, reason: "does-not-fit", why } as const;
  if (eksBill(usage.expected, nodes) === undefined) return { none };
  return combined(head, usage, (point) => eksBill(point, nodes) ?? nothing, standIn === undefined ? [] : [awsStandIn]);
}

const nothing: BillPoint = { lines: [], notes: [] };

function eksVariant({ eks }: UsageConfig): string {
  return `${eks.instance_type}${eks.auto_mode ? ", Auto Mode" : ""}`;
}

function unknownPrice({ platform, variant }: Pick<Bill, "platform" | "variant">, why: string): Billed {
  return { none: { platform, variant, reason: "price-unknown", why } };
}

function combined(
  head: Pick<Bill, "platform" | "variant" | "region">,
  usage: Usage,
  at: (point: Usage["low"]) => BillPoint,
  standsIn: readonly string[],
): Billed {
  const bill = combineBill(head, { low: at(usage.low), expected: at(usage.expected), high: at(usage.high) });
  const notes = standsIn.map((place) => `UNVERIFIED: the price of ${place} stands in for that of ${head.region}.`);
  return { bill: { ...bill, notes: [...notes, ...bill.notes] } };
}

/** The bill with the lowest expected sum; undefined where there is none. */
export function cheapest(bills: readonly Bill[]): Bill | undefined {
  return bills.toSorted((a, b) => a.usd.expected - b.usd.expected)[0];
}
