/** List prices of what stands before and around a platform: balancer, traffic to the internet, logs. USD. */
import type { Price, Source } from "./prices.ts";

const looked = "2026-11-30";

function source(url: string, confidence: Source["confidence"]): Source {
  return { url, confidence, date: looked };
}

/** A price that falls with the amount: each tier holds up to `upTo` units of the month (undefined: the rest). */
export interface Tier {
  readonly upTo: number | undefined;
  readonly usd: number;
}

export interface NetworkPrices {
  /** The balancer, an hour. */
  readonly balancerHour: Price;
  /** GiB that the balancer passes on. */
  readonly balancerGib: Price;
  /** GiB from the balancer to the internet. */
  readonly egress: { readonly tiers: readonly Tier[]; readonly source: Source };
  /** GiB that the platform sends through address translation, for its own calls. */
  readonly natGib: Price;
  /** GiB of logs taken in. */
  readonly logsGib: Price;
  /** GiB of logs that are free, a month. */
  readonly freeLogsGib: number;
}

const balancingPage = "https://cloud.google.com/load-balancing/pricing";
const vpcPage = "https://cloud.google.com/vpc/network-pricing";

/** The global balancer, premium network tier, to destinations in North America and Europe. */
export const googleNetwork: NetworkPrices = {
  // Up to five forwarding rules together.
  balancerHour: { usd: 0.025, source: source(balancingPage, "quoted") },
  balancerGib: { usd: 0.008, source: source(balancingPage, "quoted") },
  egress: {
    tiers: [
      { upTo: 1_024, usd: 0.12 },
      { upTo: 10_240, usd: 0.11 },
      { upTo: undefined, usd: 0.08 },
    ],
    source: source(vpcPage, "quoted"),
  },
  natGib: { usd: 0.045, source: source("https://cloud.google.com/nat/pricing", "unverified") },
  logsGib: { usd: 0.5, source: source("https://cloud.google.com/stackdriver/pricing", "quoted") },
  freeLogsGib: 50,
};

/** An application balancer; a GiB is one capacity unit (LCU) for an hour. us-east-1, taken for every region. */
export const awsNetwork: NetworkPrices = {
  balancerHour: { usd: 0.0225, source: source("https://aws.amazon.com/elasticloadbalancing/pricing/", "unverified") },
  balancerGib: { usd: 0.008, source: source("https://aws.amazon.com/elasticloadbalancing/pricing/", "unverified") },
  egress: {
    tiers: [
      { upTo: 100, usd: 0 },
      { upTo: 10_240, usd: 0.09 },
      { upTo: 51_200, usd: 0.085 },
      { upTo: undefined, usd: 0.07 },
    ],
    source: source("https://aws.amazon.com/ec2/pricing/on-demand/", "quoted"),
  },
  natGib: { usd: 0.045, source: source("https://aws.amazon.com/vpc/pricing/", "quoted") },
  logsGib: { usd: 0.5, source: source("https://aws.amazon.com/cloudwatch/pricing/", "unverified") },
  freeLogsGib: 5,
};
