/**
 * List prices, as data with where each comes from and when it was looked up. No discounts, no free tier, no network. USD.
 * Issue "cost" will read more of them; nothing here is fetched.
 */

/** When the prices below were looked up. */
export const pricesOf = "2026-11-20";

/**
 * vendor: read on the vendor's page (a stored copy). quoted: read where others quote the vendor's page. unverified: not found;
 * a price of another place stands in.
 */
export type Confidence = "vendor" | "quoted" | "unverified";

export interface Source {
  readonly url: string;
  readonly confidence: Confidence;
}

export interface CloudRunRates {
  /** While a request is served, or with instance-based billing always. USD. */
  readonly vcpuSecond: number;
  readonly gibSecond: number;
  readonly source: Source;
}

export type CloudRunBilling = "request-based" | "instance-based";

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
  "asia-south1": 2,
  "asia-southeast1": 2,
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
  "asia-southeast1": { vcpuHour: 0.0549, gibHour: 0.006_072_9, source: { url: gkePage, confidence: "quoted" } },
};

/** Per cluster, in every region. USD an hour. */
export const gkeClusterHour: { readonly usd: number; readonly source: Source } = {
  usd: 0.1,
  source: { url: gkePage, confidence: "vendor" },
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
