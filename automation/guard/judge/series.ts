/** Numbers of a window of time. Pure. */

/** One value per step, oldest first; null where the source had none: missing is never zero. */
export type Series = readonly (number | null)[];

/** Those that are there. */
export function present(values: Series): readonly number[] {
  const there: number[] = [];
  for (const value of values) if (value !== null) there.push(value);
  return there;
}

/** How many are there. */
export function countOf(values: Series): number {
  let count = 0;
  for (const value of values) if (value !== null) count += 1;
  return count;
}

/** Undefined without values. */
export function meanOf(values: Series): number | undefined {
  const there = present(values);
  return there.length === 0 ? undefined : sumOf(there) / there.length;
}

export const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** From a source's numbers, where NaN is missing. */
export const seriesOf = (values: readonly number[]): Series =>
  values.map((value) => (Number.isFinite(value) ? value : null));
