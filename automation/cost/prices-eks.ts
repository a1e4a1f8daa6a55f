/** List prices of EKS: cluster, nodes on demand, Auto Mode. USD, without discounts. */
import type { Price, Source } from "./prices.ts";

const looked = "2026-11-30";
const eksPage = "https://aws.amazon.com/eks/pricing/";
const ec2Page = "https://aws.amazon.com/ec2/pricing/on-demand/";

const quoted = (url: string): Source => ({ url, confidence: "quoted", date: looked });

/** A cluster whose Kubernetes version is in standard support, in every region. */
export const eksClusterHour: Price = { usd: 0.1, source: quoted(eksPage) };

/** What Auto Mode adds to a node, as a share of the node's on-demand price. */
export const eksAutoModeShare: Price = { usd: 0.12, source: quoted(eksPage) };

/** A gateway for address translation, an hour. us-east-1, taken for every region. */
export const awsNatHour: Price = { usd: 0.045, source: quoted("https://aws.amazon.com/vpc/pricing/") };

/** A node's disk (gp3), GiB a month. us-east-1, taken for every region. */
export const awsDiskGibMonth: Price = { usd: 0.08, source: quoted("https://aws.amazon.com/ebs/pricing/") };

/** GiB of a node's disk, the default of EKS's node groups. */
export const nodeDiskGib = 20;

export interface NodeType {
  readonly vcpus: number;
  readonly gib: number;
  /** Pods that its network interfaces have addresses for. */
  readonly maxPods: number;
}

export const nodeTypes: Readonly<Record<string, NodeType>> = {
  "t3.medium": { vcpus: 2, gib: 4, maxPods: 17 },
  "t3.large": { vcpus: 2, gib: 8, maxPods: 35 },
  "m5.large": { vcpus: 2, gib: 8, maxPods: 29 },
  "m5.xlarge": { vcpus: 4, gib: 16, maxPods: 58 },
  "m5.2xlarge": { vcpus: 8, gib: 32, maxPods: 58 },
  "m6i.large": { vcpus: 2, gib: 8, maxPods: 29 },
  "m6i.xlarge": { vcpus: 4, gib: 16, maxPods: 58 },
  "m6i.2xlarge": { vcpus: 8, gib: 32, maxPods: 58 },
  "m7g.large": { vcpus: 2, gib: 8, maxPods: 29 },
  "m7g.xlarge": { vcpus: 4, gib: 16, maxPods: 58 },
  "m7g.2xlarge": { vcpus: 8, gib: 32, maxPods: 58 },
  "c5.large": { vcpus: 2, gib: 4, maxPods: 29 },
  "c5.xlarge": { vcpus: 4, gib: 8, maxPods: 58 },
  "c5.2xlarge": { vcpus: 8, gib: 16, maxPods: 58 },
};

/** Linux, shared tenancy, on demand; USD an hour. */
const nodeHours: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "us-east-1": {
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "m5.large": 0.096,
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m6i.large": 0.096,
    "m6i.xlarge": 0.192,
    "m6i.2xlarge": 0.384,
    "m7g.large": 0.0816,
    "m7g.xlarge": 0.1632,
    "m7g.2xlarge": 0.3264,
    "c5.large": 0.085,
    "c5.xlarge": 0.17,
    "c5.2xlarge": 0.34,
  },
  "eu-west-1": {
    "t3.medium": 0.0456,
    "t3.large": 0.0912,
    "m5.large": 0.107,
    "m5.xlarge": 0.214,
    "m5.2xlarge": 0.428,
    "m6i.large": 0.107,
    "m6i.xlarge": 0.214,
    "c5.large": 0.096,
    "c5.xlarge": 0.192,
    "c5.2xlarge": 0.384,
  },
};

export const nodeRegions: readonly string[] = Object.keys(nodeHours);

/** A node for an hour; undefined where the table has none. */
export function nodeHour(region: string, type: string): Price | undefined {
  const usd = nodeHours[region]?.[type];
  return usd === undefined ? undefined : { usd, source: quoted(ec2Page) };
}

/** The region of AWS that is looked at for one of Google's; undefined where the table has none near it. */
export function awsRegionFor(googleRegion: string): string | undefined {
  if (/^(us|northamerica)-/.test(googleRegion)) return "us-east-1";
  return googleRegion.startsWith("europe-") ? "eu-west-1" : undefined;
}

/** The region whose prices stand in for one that is not listed. */
export const awsStandIn = "us-east-1";
