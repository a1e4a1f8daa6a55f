/** What it costs that two platforms run at the same time. Pure arithmetic over the price table. */
import {
  autopilotRatesIn,
  type Confidence,
  cloudRunRatesIn,
  gkeClusterHour,
  leastCertain,
  pricesOf,
} from "./prices.ts";
import { defaultSizes, gibOf, vcpusOf } from "./sizes.ts";

/** As in switchyard.yaml; what is absent is the default. */
export interface PlatformSize {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  /** Instances or pods kept. */
  readonly instances?: number | undefined;
}

export interface HourlyCost {
  readonly platform: string;
  readonly instances: number;
  readonly vcpus: number;
  readonly gib: number;
  readonly perHour: number;
  /** Of the least certain price in it. */
  readonly confidence: Confidence;
}

export interface DoubleRunning {
  readonly currency: "USD";
  readonly region: string;
  /** Both together. */
  readonly perHour: number;
  readonly platforms: readonly HourlyCost[];
  /** When the prices were looked up. */
  readonly pricesOf: string;
  readonly confidence: Confidence;
}

/**
 * Both platforms for an hour, each at its smallest number of instances, all of them busy; list prices, without discounts,
 * free tier, network and load balancer. Under load platforms have more instances. undefined where a platform has no price here
 * or a size cannot be read.
 */
export function doubleRunningCost(
  region: string,
  sizes: Readonly<Record<string, PlatformSize>>,
): DoubleRunning | undefined {
  const platforms = Object.entries(sizes).map(([platform, size]) => hourlyCost(platform, size, region));
  const known = platforms.filter((one) => one !== undefined);
  if (known.length !== platforms.length || known.length === 0) return undefined;
  return {
    currency: "USD",
    region,
    perHour: known.reduce((sum, one) => sum + one.perHour, 0),
    platforms: known,
    pricesOf,
    confidence: leastCertain(known.map((one) => one.confidence)),
  };
}

function hourlyCost(platform: string, size: PlatformSize, region: string): HourlyCost | undefined {
  const vcpus = vcpusOf(size.cpu ?? defaultSizes.cpu);
  const gib = gibOf(size.memory ?? defaultSizes.memory);
  if (vcpus === undefined || gib === undefined) return undefined;
  switch (platform) {
    case "cloud-run": {
      const instances = size.instances ?? defaultSizes.cloudRunInstances;
      const rates = cloudRunRatesIn(region, defaultSizes.cloudRunBilling);
      const perHour = instances * 3_600 * (vcpus * rates.vcpuSecond + gib * rates.gibSecond);
      return { platform, instances, vcpus, gib, perHour, confidence: rates.source.confidence };
    }
    case "gke": {
      const instances = size.instances ?? defaultSizes.gkeInstances;
      const rates = autopilotRatesIn(region);
      const perHour = gkeClusterHour.usd + instances * (vcpus * rates.vcpuHour + gib * rates.gibHour);
      const confidence = leastCertain([rates.source.confidence, gkeClusterHour.source.confidence]);
      return { platform, instances, vcpus, gib, perHour, confidence };
    }
    default:
      return undefined;
  }
}
