/** Distance by insertions, deletions, substitutions and swaps of neighbours. */
function distance(a: string, b: string): number {
  let beforePrevious: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const substituted = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      const swapped = row > 0 && column > 0 && letter === b[column - 1] && a[row - 1] === other;
      current.push(
        Math.min(
          substituted,
          (previous[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          swapped ? (beforePrevious[column - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

/** The known name that a typo probably meant; undefined when none is near. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, cost: distance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, cost }) => cost <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.cost - b.cost);
  return best?.name;
}

/** `; did you mean prod?` or nothing. */
export function nearest(given: string, known: readonly string[]): string {
  const name = nearestName(given, known);
  return name === undefined ? "" : `; did you mean ${name}?`;
}
