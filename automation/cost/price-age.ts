/** How old the price table is, seen from a day that is passed in. Pure. */
import { pricesOf } from "./prices.ts";

const dayMs = 86_400_000;

/** Days from which prices count as old. */
export const staleAfterDays = 30;

export interface PriceAge {
  /** When the oldest prices were looked up. */
  readonly of: string;
  readonly days: number;
  readonly stale: boolean;
}

/** `now`: ms since the epoch. A clock before the table's day finds it 0 days old. */
export function priceAge(now: number, of: string = pricesOf): PriceAge {
  const days = Math.max(0, Math.floor((now - Date.parse(`${of}T00:00:00Z`)) / dayMs));
  return { of, days, stale: days > staleAfterDays };
}

/** For people; undefined while the prices are young enough. */
export function priceAgeWarning(age: PriceAge): string | undefined {
  if (!age.stale) return undefined;
  return `the list prices are of ${age.of}, ${age.days} days old (more than ${staleAfterDays}); the vendors may have changed them since`;
}
