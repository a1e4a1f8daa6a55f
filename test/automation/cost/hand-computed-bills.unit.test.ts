import { describe, expect, it } from "vitest";
import type { Bill } from "../../../automation/cost/bill.ts";
import { type BillQuestion, billOf } from "../../../automation/cost/bills.ts";
import type { CloudRunBilling } from "../../../automation/cost/prices.ts";
import { type PlatformShape, usageConfig } from "../../../automation/cost/usage.ts";

/**
 * Ten bills, each reckoned by hand from the vendors' price lists; the arithmetic stands above each. The sums may be 3 % off
 * what the product says. A month has 730 h = 2,628,000 s. All of them have the balancer on Google Cloud: 730 h x 0.025 = 18.25.
 */
interface HandComputed {
  readonly name: string;
  readonly platform: "cloud-run" | "gke" | "eks";
  readonly billing?: CloudRunBilling;
  readonly region?: string;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly shape?: PlatformShape;
  readonly usd: number;
  /** Some of its lines, by hand too. */
  readonly lines?: Readonly<Record<string, number>>;
}

const bills: readonly HandComputed[] = [
  {
    // Requests at once: 100,000 x 0.2 s / 2,628,000 s = 0.0076; an instance is busy for 1 - e^-0.0076 = 0.758 % = 19,924 s.
    // CPU 19,924 vCPU-s (180,000 are free), memory 9,962 GiB-s (360,000), 0.1 million requests (2): all free.
    // Left: the balancer, 18.25.
    name: "Cloud Run, request-based, little traffic: within the free tier",
    platform: "cloud-run",
    usage: { requests: 100_000, duration: 200, concurrency: 20 },
    shape: { cpu: "1", memory: "512Mi", minInstances: 0 },
    usd: 18.25,
    lines: { "CPU while it serves": 0.478, "free tier, CPU": -0.478, "free tier, requests": -0.04 },
  },
  {
    // Concurrency 1: each request has its instance. 10 million x 0.25 s, billed as 0.3 s = 3,000,000 s.
    // CPU (3,000,000 - 180,000) x 0.000024 = 67.68. Memory (1,500,000 - 360,000) x 0.0000025 = 2.85.
    // Requests (10 - 2) x 0.40 = 3.20. Balancer 18.25. Sum 91.98.
    name: "Cloud Run, request-based, one request an instance, time rounded up to 100 ms",
    platform: "cloud-run",
    usage: { requests: 10_000_000, duration: 250, concurrency: 1 },
    shape: { cpu: "1", memory: "512Mi", minInstances: 0 },
    usd: 91.98,
  },
  {
    // 400 million x 0.5 s = 200,000,000 s of requests (76 at once), 40 an instance: 5,000,000 s of instances with 2 vCPU and
    // 1 GiB. CPU (10,000,000 - 180,000) x 0.000024 = 235.68. Memory (5,000,000 - 360,000) x 0.0000025 = 11.60.
    // Requests (400 - 2) x 0.40 = 159.20. Balancer 18.25. Sum 424.73.
    name: "Cloud Run, request-based, high concurrency",
    platform: "cloud-run",
    usage: { requests: 400_000_000, duration: 500, concurrency: 40 },
    shape: { cpu: "2", memory: "1Gi", minInstances: 0, maxInstances: 50 },
    usd: 424.73,
  },
  {
    // 10 million x 0.3 s at concurrency 1 = 3,000,000 s busy = 1.1416 instances; 3 are kept, so 1.8584 x 2,628,000 =
    // 4,884,000 s idle. CPU 3,000,000 x 0.000024 = 72, idle 4,884,000 x 0.0000025 = 12.21, free 180,000 x 0.000024 = 4.32.
    // Memory 7,884,000 x 0.0000025 = 19.71, free 0.90. Requests 3.20. Balancer 18.25.
    // 72 + 12.21 - 4.32 + 19.71 - 0.90 + 3.20 + 18.25 = 120.15.
    name: "Cloud Run, request-based, with kept instances",
    platform: "cloud-run",
    usage: { requests: 10_000_000, duration: 300, concurrency: 1 },
    shape: { cpu: "1", memory: "1Gi", minInstances: 3 },
    usd: 120.15,
    lines: { "CPU of kept instances while idle": 12.21 },
  },
  {
    // Tier 2 costs 0.0000336 and 0.0000035; the free amounts are given at the prices of tier 1.
    // 3,000,000 s: CPU 100.80 - 4.32 = 96.48. Memory 0.5 GiB: 1,500,000 x 0.0000035 = 5.25 - 0.90 = 4.35.
    // Requests 3.20. Balancer 18.25. Sum 122.28.
    name: "Cloud Run, request-based, a region of tier 2",
    platform: "cloud-run",
    region: "europe-west6",
    usage: { requests: 10_000_000, duration: 300, concurrency: 1 },
    shape: { cpu: "1", memory: "512Mi", minInstances: 0 },
    usd: 122.28,
  },
  {
    // Requests at once: 26,280,000 x 0.5 s / 2,628,000 s = 5; 5 / 10 an instance = 0.5, but chance leaves one busy for
    // 1 - e^-5 = 99.33 %. Two instances are kept, which is more: 2 x 2,628,000 s = 5,256,000 s.
    // CPU (5,256,000 - 240,000) x 0.000018 = 90.288. Memory 2 GiB: (10,512,000 - 450,000) x 0.000002 = 20.124.
    // No price for requests. Balancer 18.25. Sum 128.66.
    name: "Cloud Run, instance-based, two instances kept",
    platform: "cloud-run",
    billing: "instance-based",
    usage: { requests: 26_280_000, duration: 500, concurrency: 10, idle_share: 0.4 },
    shape: { cpu: "1", memory: "2Gi", minInstances: 2 },
    usd: 128.66,
  },
  {
    // Two pods of 1 vCPU and 1 GiB: 2 x 730 x (0.0445 + 0.0049225 + 0.0001389 for 1 GiB of storage)
    // = 1,460 x 0.0495614 = 72.36. Cluster 73.00, less the credit of up to 74.40: 0. Balancer 18.25. Sum 90.61.
    name: "Autopilot, two pods, the account's one cluster",
    platform: "gke",
    usage: { requests: 1_000_000, duration: 200, concurrency: 20 },
    shape: { cpu: "1", memory: "1Gi", minInstances: 2 },
    usd: 90.61,
    lines: { "CPU of pods": 64.97, "memory of pods": 7.187, cluster: 73, "credit for one cluster": -73 },
  },
  {
    // Requests at once: 105,120,000 x 1 s / 2,628,000 s = 40; 8 a pod = 5 busy pods, idle for 37.5 % of their time = 8 pods.
    // 8 x 730 = 5,840 h. CPU 0.5: 2,920 x 0.0445 = 129.94. Memory 2 GiB: 11,680 x 0.0049225 = 57.49. Storage 5,840 x
    // 0.0001389 = 0.81. Cluster 73.00. Traffic 2,000 GiB: 1,024 x 0.12 + 976 x 0.11 = 230.24, balancer 2,000 x 0.008 = 16
    // and 18.25. Logs 100 x 0.50 = 50 (no free tier). 129.94 + 57.49 + 0.81 + 73 + 230.24 + 16 + 18.25 + 50 = 575.73.
    name: "Autopilot, scaled out, with traffic and logs, no free tier left",
    platform: "gke",
    usage: {
      requests: 105_120_000,
      duration: 1_000,
      concurrency: 8,
      idle_share: 0.375,
      egress: 2_000,
      logs: 100,
      free_tier: false,
    },
    shape: { cpu: "500m", memory: "2Gi", minInstances: 2, maxInstances: 20 },
    usd: 575.73,
    lines: { "traffic to the internet": 230.24 },
  },
  {
    // An m6i.large has 2 - 0.07 = 1.93 vCPU and 8 - (255 + 11 x 29 + 100) / 1,024 = 7.34 GiB to give: three pods of
    // 0.5 vCPU and 1 GiB. 13,140,000 x 1 s / 2,628,000 s = 5 at once, 1 a pod, idle for half = 10 pods = 4 nodes.
    // Nodes 4 x 730 x 0.096 = 280.32. Disks 4 x 20 x 0.08 = 6.40. Cluster 73.00. NAT 730 x 0.045 = 32.85.
    // Balancer 730 x 0.0225 = 16.43 (AWS's). Sum 409.00.
    name: "EKS, m6i.large",
    platform: "eks",
    usage: { requests: 13_140_000, duration: 1_000, concurrency: 1, idle_share: 0.5 },
    shape: { cpu: "500m", memory: "1Gi", minInstances: 2, maxInstances: 20 },
    usd: 409.0,
    lines: { nodes: 280.32 },
  },
  {
    // Ireland: m5.xlarge 0.214. 4 - (0.06 + 0.01 + 2 x 0.005) = 3.92 vCPU: three pods of 1 vCPU and 2 GiB. Four pods are
    // kept, the load needs fewer: 2 nodes. Nodes 2 x 730 x 0.214 = 312.44. Auto Mode 12 % = 37.49. Disks 40 x 0.08 = 3.20.
    // Cluster 73.00. Two NAT gateways 65.70, 300 GiB through them x 0.045 = 13.50. Balancer 16.43, 500 GiB x 0.008 = 4.00.
    // Traffic: 100 GiB free, 400 x 0.09 = 36.00. Sum 561.76.
    name: "EKS with Auto Mode in Ireland",
    platform: "eks",
    region: "europe-west1",
    usage: {
      requests: 2_628_000,
      duration: 500,
      concurrency: 5,
      idle_share: 0.4,
      egress: 500,
      nat: 300,
      eks: { instance_type: "m5.xlarge", auto_mode: true, nat_gateways: 2 },
    },
    shape: { cpu: "1", memory: "2Gi", minInstances: 4 },
    usd: 561.76,
    lines: { "Auto Mode": 37.49 },
  },
];

function productsBill({ platform, billing, region = "us-central1", usage, shape = {} }: HandComputed): Bill {
  const question: BillQuestion = {
    region,
    usage: usageConfig.parse(usage),
    observed: undefined,
    shapes: { "cloud-run": shape, gke: shape },
    allowStandIn: false,
  };
  const billed = billOf(platform, question, billing);
  if ("none" in billed) throw new Error(billed.none.why);
  return billed.bill;
}

describe("ten bills that were reckoned by hand", () => {
  it("are ten", () => {
    expect(bills).toHaveLength(10);
  });

  it.each(bills)("$name: $usd USD, within 3 %", (one) => {
    const bill = productsBill(one);
    expect(Math.abs(bill.usd.expected - one.usd) / one.usd).toBeLessThan(0.03);
    // What is reckoned from the same prices is nearer than that.
    expect(bill.usd.expected).toBeCloseTo(one.usd, 1);
    for (const [what, usd] of Object.entries(one.lines ?? {})) {
      expect(bill.lines.find((line) => line.what === what)?.usd.expected, what).toBeCloseTo(usd, 1);
    }
  });
});
