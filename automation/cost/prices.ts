/**
 * List prices of Cloud Run and GKE, as data with where each comes from and when it was looked up. USD, without discounts.
 * Nothing here is fetched; network and logs are in prices-network.ts, EKS in prices-eks.ts.
 */

/** When the oldest prices of the table were looked up; price-age.ts warns when that is long ago. */
export const pricesOf = "2026-11-20";

/**
 * vendor: read on the vendor's page (a stored copy). quoted: read where others quote the vendor's page. unverified: not found;
 * a price of another place stands in.
 */
export type Confidence = "vendor" | "quoted" | "unverified";

const confidences: readonly Confidence[] = ["vendor", "quoted", "unverified"];

export function leastCertain(all: readonly Confidence[]): Confidence {
  return confidences.findLast((one) => all.includes(one)) ?? "vendor";
}

export interface Source {
  readonly url: string;
  readonly confidence: Confidence;
  /** When it was looked up; absent: pricesOf. */
  readonly date?: string;
}

/** One price. USD for one unit. */
export interface Price {
  readonly usd: number;
  readonly source: Source;
}

export interface CloudRunRates {
  /** While a request is served, or with instance-based billing always. USD. */
  readonly vcpuSecond: number;
  readonly gibSecond: number;
  readonly source: Source;
}

export type CloudRunBilling = "request-based" | "instance-based";

/** When the prices were looked up that came after the first ones. */
const laterLook = "2026-11-30";

const cloudRunPage = "https://cloud.google.com/run/pricing";
/** Google's own table of the same prices, in its Firebase CLI. */
const firebasePrices = "https://github.com/firebase/firebase-tools/blob/main/src/deploy/functions/pricing.ts";

export type CloudRunTier = 1 | 2;

export const cloudRunRates: Readonly<Record<CloudRunBilling, Readonly<Record<CloudRunTier, CloudRunRates>>>> = {
  "request-based": {
    1: { vcpuSecond: 0.000_024, gibSecond: 0.000_002_5, source: { url: cloudRunPage, confidence: "vendor" } },
    2: { vcpuSecond: 0.000_033_6, gibSecond: 0.000_003_5, source: { url: firebasePrices, confidence: "vendor" } },
  },
  "instance-based": {
    1: { vcpuSecond: 0.000_018, gibSecond: 0.000_002, source: { url: cloudRunPage, confidence: "vendor" } },
    // Tier 1's prices, raised as the request-based ones are; the page's own numbers were not to be had.
    2: { vcpuSecond: 0.000_025_2, gibSecond: 0.000_002_8, source: { url: cloudRunPage, confidence: "unverified" } },
  },
};

/** Of instances that min_instances keeps while they serve nothing, request-based billing. Memory costs what it costs otherwise. */
export const cloudRunIdleVcpuSecond: Readonly<Record<CloudRunTier, Price>> = {
  1: { usd: 0.000_002_5, source: { url: firebasePrices, confidence: "vendor", date: laterLook } },
  2: { usd: 0.000_003_5, source: { url: firebasePrices, confidence: "vendor", date: laterLook } },
};

/** A million requests, request-based billing, in every region. Instance-based billing has no such price. */
export const cloudRunMillionRequests: Price = {
  usd: 0.4,
  source: { url: firebasePrices, confidence: "vendor", date: laterLook },
};

export interface CloudRunFreeTier {
  readonly vcpuSeconds: number;
  readonly gibSeconds: number;
  readonly millionRequests: number;
  readonly source: Source;
}

/** A month and billing account. Given at the prices of tier 1, resource by resource, whatever the region. */
export const cloudRunFreeTier: Readonly<Record<CloudRunBilling, CloudRunFreeTier>> = {
  "request-based": {
    vcpuSeconds: 180_000,
    gibSeconds: 360_000,
    millionRequests: 2,
    source: { url: firebasePrices, confidence: "vendor", date: laterLook },
  },
  "instance-based": {
    vcpuSeconds: 240_000,
    gibSeconds: 450_000,
    millionRequests: 0,
    source: { url: cloudRunPage, confidence: "quoted", date: laterLook },
  },
};

/** Regions by tier: https://cloud.google.com/run/docs/locations (stored copy) and Google's table in its Firebase CLI. */
export const cloudRunTiers: Readonly<Record<string, CloudRunTier>> = {
  "asia-east1": 1,
  "asia-northeast1": 1,
  "asia-northeast2": 1,
  "europe-north1": 1,
  "europe-southwest1": 1,
  "europe-west1": 1,
  "europe-west4": 1,
  "europe-west8": 1,
  "europe-west9": 1,
  "us-central1": 1,
  "us-east1": 1,
  "us-east4": 1,
  "us-east5": 1,
  "us-south1": 1,
  "us-west1": 1,
  "asia-east2": 2,
  "asia-northeast3": 2,
  "asia-south1": 2,
  "asia-southeast1": 2,
  "asia-southeast2": 2,
  "australia-southeast1": 2,
  "europe-central2": 2,
  "europe-west2": 2,
  "europe-west3": 2,
  "europe-west6": 2,
  "northamerica-northeast1": 2,
  "southamerica-east1": 2,
  "us-west2": 2,
  "us-west3": 2,
  "us-west4": 2,
};

export interface AutopilotRates {
  /** General-purpose pods, by what they request. USD. */
  readonly vcpuHour: number;
  readonly gibHour: number;
  readonly source: Source;
}

const gkePage = "https://cloud.google.com/kubernetes-engine/pricing";

export const autopilotRates: Readonly<Record<string, AutopilotRates>> = {
  "us-central1": { vcpuHour: 0.0445, gibHour: 0.004_922_5, source: { url: gkePage, confidence: "quoted" } },
  "asia-northeast3": {
    vcpuHour: 0.0571,
    gibHour: 0.006_321_5,
    source: { url: gkePage, confidence: "quoted", date: laterLook },
  },
  "asia-southeast1": { vcpuHour: 0.0549, gibHour: 0.006_072_9, source: { url: gkePage, confidence: "quoted" } },
};

/** Per cluster, in every region. USD an hour. */
export const gkeClusterHour: { readonly usd: number; readonly source: Source } = {
  usd: 0.1,
  source: { url: gkePage, confidence: "vendor" },
};

/** Ephemeral storage that pods request, GiB an hour, us-central1; taken for every region. */
export const autopilotStorageGibHour: Price = {
  usd: 0.000_138_9,
  source: { url: gkePage, confidence: "quoted", date: laterLook },
};

/** Credit for cluster fees, a month and billing account: one Autopilot cluster. */
export const gkeClusterCredit: Price = {
  usd: 74.4,
  source: { url: gkePage, confidence: "vendor", date: laterLook },
};

/** The region whose price stands in, as unverified, for one that is not listed. */
const standIn = "us-central1";

export function cloudRunRatesIn(region: string, billing: CloudRunBilling): CloudRunRates {
  const tier = cloudRunTiers[region];
  const rates = cloudRunRates[billing][tier ?? 1];
  return tier === undefined ? { ...rates, source: { ...rates.source, confidence: "unverified" } } : rates;
}

export function autopilotRatesIn(region: string): AutopilotRates {
  const rates = autopilotRates[region];
  if (rates !== undefined) return rates;
  const other = autopilotRates[standIn];
  if (other === undefined) throw new Error(`there is no price of ${standIn}`);
  return { ...other, source: { ...other.source, confidence: "unverified" } };
}
