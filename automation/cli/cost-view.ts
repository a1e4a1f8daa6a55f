/** How bills are written for people. */
import type { Bill } from "../cost/bill.ts";
import type { NoBill } from "../cost/bills.ts";
import type { PriceAge } from "../cost/price-age.ts";
import type { Usage } from "../cost/usage.ts";
import { count, duration, table } from "./text.ts";

export interface CostResult {
  readonly environment: string;
  readonly region: string;
  readonly bills: readonly Bill[];
  /** Platforms without a bill. */
  readonly none: readonly NoBill[];
  /** Platform and kind of the bill with the lowest expected sum. */
  readonly cheapest: string | undefined;
  readonly usage: Pick<Usage, "expected" | "from">;
  /** undefined: the usage stated everything. */
  readonly observed: { readonly requests: number; readonly watchedMs: number } | undefined;
  readonly prices: PriceAge;
}

export function describeCost(result: CostResult): readonly string[] {
  const { bills, none, cheapest, usage, observed, prices, environment, region } = result;
  return [
    `What a month of environment ${environment} would cost, by list prices in USD (${region}; 730 hours):`,
    ...loadLines(usage, observed),
    "",
    ...table(
      ["platform", "", "low", "expected", "high", "certainty"],
      bills.map(({ platform, variant, usd, confidence }) => [
        platform,
        variant,
        dollars(usd.low),
        dollars(usd.expected),
        dollars(usd.high),
        confidence,
      ]),
    ),
    ...none.map(({ platform, variant, why }) => `${platform} (${variant}): no bill, because ${why}.`),
    ...(cheapest === undefined ? [] : [`Cheapest: ${cheapest}.`]),
    "Low and high: the bounds of the usage, free tiers not for the high end, and the prices: quoted ones 5 % off, unverified 25 %.",
    "",
    ...bills.flatMap(describeBill),
    `Prices of ${prices.of} and later (${prices.days} days old); vendor: read on the vendor's page, quoted: where others quote it,`,
    "unverified: not confirmed. Without discounts, taxes and support.",
  ];
}

function loadLines({ expected, from }: CostResult["usage"], observed: CostResult["observed"]): readonly string[] {
  const watched =
    observed === undefined ? "" : ` (observed: ${count(observed.requests)} in ${duration(observed.watchedMs)})`;
  return [
    `${count(Math.round(expected.requests))} requests of ${duration(expected.durationMs)}, ${origin(from)}${watched}; ${Number(expected.concurrency.toFixed(1))} at once on a busy instance (${from.concurrency}).`,
  ];
}

function origin({ requests, duration: time }: Usage["from"]): string {
  return requests === time ? requests : `requests ${requests}, duration ${time}`;
}

function describeBill({ platform, variant, region, lines, notes }: Bill): readonly string[] {
  return [
    `${platform} (${variant}), ${region}`,
    ...table(
      ["  what", "quantity", "unit", "USD each", "USD", "certainty", "of", "source"],
      lines.map((one) => [
        `  ${one.what}`,
        one.quantity >= 100 ? count(Math.round(one.quantity)) : String(Number(one.quantity.toPrecision(3))),
        one.unit,
        String(Number(one.unitPrice.toPrecision(6))),
        dollars(one.usd.expected),
        one.confidence,
        one.date,
        one.source,
      ]),
    ),
    ...notes.map((note) => `  ${note}`),
    "",
  ];
}

/** To the cent; up to four digits where that would say nothing. */
function dollars(usd: number): string {
  const small = usd !== 0 && Math.abs(usd) < 0.1;
  return small
    ? String(Number(usd.toPrecision(2)))
    : usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
