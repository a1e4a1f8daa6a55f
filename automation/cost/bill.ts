/** What a bill is, and how three of them (at low, expected and high usage) become one with a range. Pure. */
import { type Confidence, leastCertain, type Price, pricesOf, type Source } from "./prices.ts";
import type { Tier } from "./prices-network.ts";

/** One month of one workload on one platform: a single point of the usage, without ranges. */
export interface UsagePoint {
  /** Requests a month. */
  readonly requests: number;
  /** Mean time of a request, ms. */
  readonly durationMs: number;
  /** Requests that a busy instance serves at once, on average. */
  readonly concurrency: number;
  /** Of one instance. */
  readonly vcpus: number;
  readonly gib: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Share of the time, 0 to below 1, in which instances that run serve nothing. */
  readonly idleShare: number;
  /** GiB a month to the internet; undefined: nobody knows, and the bill leaves it out. */
  readonly egressGib: number | undefined;
  /** GiB of logs a month; as egress. */
  readonly logsGib: number | undefined;
  /** GiB a month that the agent itself sends out; as egress. */
  readonly natGib: number | undefined;
  /** Whether free tiers and credits are still there for this workload. */
  readonly freeTier: boolean;
}

export interface LinePoint {
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  /** USD for one unit. */
  readonly unitPrice: number;
  readonly usd: number;
  readonly source: Source;
}

export interface BillPoint {
  readonly lines: readonly LinePoint[];
  /** What the reckoning rests on that a reader should know. */
  readonly notes: readonly string[];
}

export interface Range {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

export interface BillLine {
  readonly what: string;
  /** Of the expected usage. */
  readonly quantity: number;
  readonly unit: string;
  readonly unitPrice: number;
  readonly usd: Range;
  readonly confidence: Confidence;
  readonly source: string;
  readonly date: string;
}

export interface Bill {
  readonly platform: string;
  /** What of the platform, for example `request-based`. */
  readonly variant: string;
  readonly region: string;
  readonly currency: "USD";
  readonly lines: readonly BillLine[];
  /** A month of 730 hours. */
  readonly usd: Range;
  /** Of the least certain price in it. */
  readonly confidence: Confidence;
  readonly notes: readonly string[];
}

/** How far a price may be off, as a share of it. */
const margins: Readonly<Record<Confidence, number>> = { vendor: 0, quoted: 0.05, unverified: 0.25 };

export function line(what: string, quantity: number, unit: string, price: Price): LinePoint {
  return { what, quantity, unit, unitPrice: price.usd, usd: quantity * price.usd, source: price.source };
}

/** A price that falls with the amount: one line, whose unit price is the mean. */
export function tieredLine(
  what: string,
  quantity: number,
  unit: string,
  { tiers, source }: { readonly tiers: readonly Tier[]; readonly source: Source },
): LinePoint {
  let usd = 0;
  let from = 0;
  for (const tier of tiers) {
    const to = tier.upTo ?? Number.POSITIVE_INFINITY;
    usd += Math.max(0, Math.min(quantity, to) - from) * tier.usd;
    from = to;
  }
  return { what, quantity, unit, unitPrice: quantity === 0 ? (tiers[0]?.usd ?? 0) : usd / quantity, usd, source };
}

/** What is taken off `lines`, at most all of it. */
export function creditLine(what: string, lines: readonly LinePoint[], credit: Price): LinePoint {
  const owed = lines.reduce((sum, one) => sum + one.usd, 0);
  const usd = -Math.min(owed, credit.usd);
  return { what, quantity: 1, unit: "month", unitPrice: usd, usd, source: credit.source };
}

export function cappedNote(capped: boolean, most: number): readonly string[] {
  return capped ? [`The load needs more than max_instances (${most}): requests would wait or be refused.`] : [];
}

export interface BillPoints {
  readonly low: BillPoint;
  readonly expected: BillPoint;
  readonly high: BillPoint;
}

/**
 * One bill of three. A line's low is that of the low usage, less what its price may be off; its high likewise; neither lies
 * on the wrong side of what is expected.
 */
export function combineBill(head: Pick<Bill, "platform" | "variant" | "region">, points: BillPoints): Bill {
  const names = [
    ...new Set([points.expected, points.high, points.low].flatMap(({ lines }) => lines.map((l) => l.what))),
  ];
  const lines = names.flatMap((what) => {
    const [low, expected, high] = [points.low, points.expected, points.high].map(({ lines: all }) =>
      all.find((one) => one.what === what),
    );
    const shown = expected ?? high ?? low;
    return shown === undefined ? [] : [billLine(shown, low, expected, high)];
  });
  const sum = (pick: (range: Range) => number): number => lines.reduce((total, { usd }) => total + pick(usd), 0);
  return {
    ...head,
    currency: "USD",
    lines,
    usd: {
      low: Math.max(
        0,
        sum((r) => r.low),
      ),
      expected: sum((r) => r.expected),
      high: sum((r) => r.high),
    },
    confidence: leastCertain(lines.map(({ confidence }) => confidence)),
    notes: [...new Set([points.expected, points.high].flatMap(({ notes }) => notes))],
  };
}

function billLine(
  { what, quantity, unit, unitPrice, source }: LinePoint,
  low: LinePoint | undefined,
  expected: LinePoint | undefined,
  high: LinePoint | undefined,
): BillLine {
  const margin = margins[source.confidence];
  const usd = expected?.usd ?? 0;
  return {
    what,
    quantity: expected === undefined ? 0 : quantity,
    unit,
    unitPrice,
    usd: {
      low: Math.min(usd, spread(low?.usd ?? 0, -margin)),
      expected: usd,
      high: Math.max(usd, spread(high?.usd ?? 0, margin)),
    },
    confidence: source.confidence,
    source: source.url,
    date: source.date ?? pricesOf,
  };
}

/** Up is dearer, also for a credit. */
function spread(usd: number, share: number): number {
  return usd + Math.abs(usd) * share;
}
