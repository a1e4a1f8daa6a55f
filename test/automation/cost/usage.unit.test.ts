import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tieredLine } from "../../../automation/cost/bill.ts";
import { podsPerNode } from "../../../automation/cost/bill-eks.ts";
import { allBills, type BillQuestion, billOf, cheapest } from "../../../automation/cost/bills.ts";
import { addBatch, monthOf, nothingObserved, watchLoad } from "../../../automation/cost/observed.ts";
import { priceAge, priceAgeWarning } from "../../../automation/cost/price-age.ts";
import { nodeHour, nodeRegions, nodeTypes } from "../../../automation/cost/prices-eks.ts";
import { awsNetwork, googleNetwork } from "../../../automation/cost/prices-network.ts";
import { usageConfig, usageOn } from "../../../automation/cost/usage.ts";
import type { RequestFeed, RequestRecord } from "../../../automation/ports/request-feed.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const question = (usage: Readonly<Record<string, unknown>>, more: Partial<BillQuestion> = {}): BillQuestion => ({
  region: "us-central1",
  usage: usageConfig.parse(usage),
  observed: undefined,
  shapes: {},
  allowStandIn: false,
  ...more,
});

const stated = { requests: 1_000_000, duration: 200 };

function bill(platform: "cloud-run" | "gke" | "eks", asked: BillQuestion) {
  const billed = billOf(platform, asked);
  if ("none" in billed) throw new Error(billed.none.why);
  return billed.bill;
}

function noBill(platform: "cloud-run" | "gke" | "eks", asked: BillQuestion) {
  const billed = billOf(platform, asked);
  if ("bill" in billed) throw new Error(`there is a bill of ${billed.bill.usd.expected} USD`);
  return billed.none;
}

describe("a bill's range", () => {
  const range = fc
    .tuple(fc.double({ min: 1, max: 5_000, noNaN: true }), fc.double({ min: 1, max: 5, noNaN: true }))
    .map(([middle, factor]) => ({ low: middle / factor, expected: middle, high: middle * factor }));

  it("always has low, expected and high in this order, on every platform and line", () => {
    fc.assert(
      fc.property(range, range, fc.boolean(), fc.integer({ min: 0, max: 5 }), (requests, duration, free, least) => {
        const millions = { low: requests.low * 1e5, expected: requests.expected * 1e5, high: requests.high * 1e5 };
        const usage = { requests: millions, duration, egress: requests, free_tier: free };
        const shapes = { "cloud-run": { minInstances: least }, gke: { minInstances: least } };
        for (const billed of allBills(question(usage, { shapes }))) {
          if ("none" in billed) throw new Error(billed.none.why);
          for (const { low, expected, high } of [billed.bill.usd, ...billed.bill.lines.map(({ usd }) => usd)]) {
            expect(low).toBeLessThanOrEqual(expected);
            expect(expected).toBeLessThanOrEqual(high);
          }
        }
      }),
    );
  });

  it("is wider the less certain a price is, and goes without the free tier at its high end", () => {
    const one = bill("cloud-run", question({ requests: 20_000_000, duration: 100, concurrency: 1 }));
    const line = (what: string) => one.lines.find((each) => each.what === what);
    // 20 million x 0.1 s x 0.000024; a vendor's price has no margin.
    expect(line("CPU while it serves")?.usd).toEqual({ low: 48, expected: 48, high: 48 });
    // Quoted: 18.25, 5 % to either side.
    expect(line("balancer")?.usd).toEqual({
      low: expect.closeTo(17.3375, 6),
      expected: expect.closeTo(18.25, 6),
      high: expect.closeTo(19.1625, 6),
    });
    expect(line("free tier, CPU")?.usd).toEqual({ low: -4.32, expected: -4.32, high: 0 });
  });

  it("says what is not in it, and never counts that as nothing", () => {
    const notes = bill("gke", question(stated)).notes.join(" ");
    expect(notes).toMatch(/Not in it, because nobody said how much: .*egress.*logs.*nat/);
    const all = { ...stated, egress: 1, logs: 1, nat: 1 };
    expect(bill("gke", question(all)).notes).toEqual([]);
  });

  it("grows with the load", () => {
    const millions = fc.integer({ min: 1, max: 1_000 });
    fc.assert(
      fc.property(millions, millions, fc.constantFrom("cloud-run", "gke", "eks"), (a, b, platform) => {
        const at = (requests: number) => bill(platform, question({ ...stated, requests: requests * 1e6 })).usd.expected;
        expect(at(Math.min(a, b))).toBeLessThanOrEqual(at(Math.max(a, b)));
      }),
    );
  });

  it("has pods of the size that Autopilot makes of them: 1 to 6.5 GiB per vCPU", () => {
    const pods = (cpu: string, memory: string) => {
      const { lines } = bill("gke", question(stated, { shapes: { gke: { cpu, memory, minInstances: 1 } } }));
      return lines.slice(0, 2).map(({ quantity }) => Number((quantity / 730).toFixed(6)));
    };
    expect(pods("500m", "6656Mi")).toEqual([1, 6.5]);
    expect(pods("2", "1Gi")).toEqual([2, 2]);
    expect(pods("1", "4Gi")).toEqual([1, 4]);
  });

  it("tells when a platform may not have as many instances as it needs", () => {
    const shapes = { gke: { maxInstances: 2 } };
    const usage = { requests: 500_000_000, duration: 1_000, concurrency: 10 };
    expect(bill("gke", question(usage, { shapes })).notes.join()).toContain("more than max_instances (2)");
  });
});

describe("what has no price", () => {
  it("is refused by region, with what is known, or stood in for and marked", () => {
    const asked = question(stated, { region: "mars-north1" });
    expect(noBill("cloud-run", asked)).toMatchObject({ reason: "price-unknown" });
    expect(noBill("gke", asked).why).toContain("known: us-central1, asia-northeast3, asia-southeast1");
    expect(noBill("eks", asked)).toMatchObject({ reason: "price-unknown", why: expect.stringContaining("eks.region") });
    for (const platform of ["cloud-run", "gke", "eks"] as const) {
      const stoodIn = bill(platform, { ...asked, allowStandIn: true });
      expect(stoodIn.confidence).toBe("unverified");
      expect(stoodIn.notes[0]).toMatch(/^UNVERIFIED: the price of .* stands in/);
    }
  });

  it("is a node that the table has not, or that a pod does not fit on", () => {
    const node = (instance_type: string) => question({ ...stated, eks: { instance_type } });
    expect(noBill("eks", node("x9.mega")).why).toContain("types: t3.medium, ");
    const shapes = { gke: { cpu: "4", memory: "8Gi" } };
    expect(noBill("eks", { ...node("m6i.large"), shapes })).toMatchObject({ reason: "does-not-fit" });
  });

  it("is a load that nobody knows", () => {
    expect(noBill("gke", question({ duration: 200 }))).toMatchObject({ reason: "load-unknown" });
    expect(usageOn("gke", usageConfig.parse(stated), undefined, { cpu: "lots" })).toBeUndefined();
  });
});

describe("the cheapest", () => {
  it("is the one with the lowest expected sum; of none there is none", () => {
    const bills = allBills(question(stated)).flatMap((one) => ("bill" in one ? [one.bill] : []));
    expect(bills).toHaveLength(4);
    expect(cheapest(bills)?.usd.expected).toBe(Math.min(...bills.map(({ usd }) => usd.expected)));
    expect(cheapest([])).toBeUndefined();
  });
});

describe("the price table", () => {
  it("counts as old after 30 days", () => {
    const at = (date: string) => priceAge(Date.parse(`${date}T12:00:00Z`), "2026-11-20");
    expect(at("2026-11-30")).toEqual({ of: "2026-11-20", days: 10, stale: false });
    expect(priceAgeWarning(at("2026-12-20"))).toBeUndefined();
    expect(priceAgeWarning(at("2026-12-21"))).toContain("31 days old");
    expect(at("2026-11-01").days).toBe(0);
  });

  it("has each price with a page, a day and how sure it is", () => {
    for (const { usd, source } of nodeRegions.flatMap((region) =>
      Object.keys(nodeTypes).flatMap((type) => nodeHour(region, type) ?? []),
    )) {
      expect(usd).toBeGreaterThan(0);
      expect(source).toMatchObject({ url: expect.stringMatching(/^https:/), date: expect.stringMatching(/^2026-/) });
    }
    for (const network of [googleNetwork, awsNetwork])
      for (const { source } of [
        network.balancerHour,
        network.balancerGib,
        network.egress,
        network.natGib,
        network.logsGib,
      ])
        expect(source).toMatchObject({ url: expect.stringMatching(/^https:/), date: expect.stringMatching(/^2026-/) });
  });

  it("takes each part of the traffic at its own price", () => {
    // 1,024 x 0.12 + 9,216 x 0.11 + 1,000 x 0.08
    expect(tieredLine("traffic", 11_240, "GiB", googleNetwork.egress).usd).toBeCloseTo(122.88 + 1_013.76 + 80, 6);
    expect(tieredLine("traffic", 0, "GiB", googleNetwork.egress)).toMatchObject({ usd: 0, unitPrice: 0.12 });
  });
});

describe("the pods of a node", () => {
  it("are what CPU, memory and addresses leave room for, with what the kubelet keeps taken off", () => {
    const large = { vcpus: 2, gib: 8, maxPods: 29 };
    expect(podsPerNode(large, 1, 1)).toBe(1);
    expect(podsPerNode(large, 0.5, 1)).toBe(3);
    // 8 - (255 + 319 + 100) / 1,024 = 7.34 GiB
    expect(podsPerNode(large, 0.1, 2)).toBe(3);
    expect(podsPerNode(large, 0.1, 0.75)).toBe(9);
    expect(podsPerNode(large, 0.01, 0.01)).toBe(25);
    expect(podsPerNode(large, 2, 1)).toBe(0);
  });
});

describe("the load that was seen", () => {
  const record = (durationMs: number, side = "gke"): RequestRecord => ({
    sequence: 1,
    at: 0,
    side,
    status: 200,
    firstByteMs: 1,
    durationMs,
    outcome: "ok",
  });

  it("is a month at its rate, with bounds by what chance and an unseen day may make of it", () => {
    const records = [...Array(50).fill(record(100)), ...Array(50).fill(record(300)), record(0, "")];
    const seen = addBatch(nothingObserved, { records, lost: 0 }, 10_000);
    const load = monthOf(seen);
    expect(load?.requests.expected).toBeCloseTo(10 * 2_628_000, 6);
    // 100 requests, two standard errors are 20; half of that, and half as many again, for the day that was not seen.
    expect(load?.requests.low).toBeCloseTo(8 * 2_628_000 * 0.5, 6);
    expect(load?.requests.high).toBeCloseTo(12 * 2_628_000 * 1.5, 6);
    expect(load?.durationMs).toEqual({ low: 180, expected: 200, high: 220 });
  });

  it("counts what the feed lost as requests, without a duration", () => {
    const seen = addBatch(nothingObserved, { records: Array(60).fill(record(100)), lost: 40 }, 10_000);
    expect(monthOf(seen)?.requests.expected).toBeCloseTo(10 * 2_628_000, 6);
    expect(monthOf(seen)?.durationMs.expected).toBe(100);
  });

  it("is what ended within the time that was watched, also when the feed has it later", async () => {
    const clock = createVirtualClock();
    const begun = clock.now();
    const ends = [9_999, 10_000, 10_050].map((ms) => ({ ...record(100), at: begun + ms }));
    const feed: RequestFeed = {
      description: { source: "test", fields: [], complete: true, delayMs: 100 },
      read: async (cursor) =>
        cursor === 1
          ? { records: clock.now() < begun + 10_100 ? [] : ends, cursor: 2, lost: 3 }
          : { records: [], cursor: cursor ?? 1, lost: 0 },
    };
    const seen = await clock.run(() => watchLoad({ feed, clock }, 10_000, new AbortController().signal));
    expect(seen).toMatchObject({ watchedMs: 10_000, requests: 1 + 3, timed: 1, durationMs: 100 });
  });

  it("says nothing where it was too little: no requests are no price of nothing", () => {
    expect(monthOf(nothingObserved)).toBeUndefined();
    const few = addBatch(nothingObserved, { records: Array(29).fill(record(100)), lost: 0 }, 3_600_000);
    expect(monthOf(few)).toBeUndefined();
    expect(monthOf(addBatch(few, { records: [record(100)], lost: 0 }, 0))).toBeDefined();
  });
});
