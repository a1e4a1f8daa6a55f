/** What becomes of points that a source does not have. */

export type NanStrategy = "remove" | "replace";

/** `remove` drops points without a value, `replace` makes them 0. Infinite values count as missing. */
export function handleMissing(values: readonly number[], strategy: NanStrategy): readonly number[] {
  return strategy === "remove"
    ? values.filter(Number.isFinite)
    : values.map((value) => (Number.isFinite(value) ? value : 0));
}
