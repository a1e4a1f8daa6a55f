/** Which lines go and which come between two texts: what a change is, wherever it is applied. Pure. */

/** More differing lines than that are not one version's edits. */
const most = 1_000;

/** `-line` and `+line` in order, line ends included; undefined when more than 1,000 differ. Myers' algorithm. */
export function lineChange(before: string, after: string): readonly string[] | undefined {
  if (before === after) return [];
  const [old, young] = [lines(before), lines(after)];
  let begin = 0;
  while (begin < old.length && begin < young.length && old[begin] === young[begin]) begin += 1;
  let end = 0;
  while (end < old.length - begin && end < young.length - begin && old.at(-1 - end) === young.at(-1 - end)) end += 1;
  return shortest(old.slice(begin, old.length - end), young.slice(begin, young.length - end));
}

const lines = (text: string): readonly string[] => (text === "" ? [] : text.split(/(?<=\n)/));

function shortest(old: readonly string[], young: readonly string[]): readonly string[] | undefined {
  const limit = Math.min(most, old.length + young.length);
  /** Per number of differences: how far each diagonal (x - y) reaches. */
  const reached: Map<number, number>[] = [];
  let frontier = new Map([[1, 0]]);
  for (let differences = 0; differences <= limit; differences += 1) {
    const next = new Map<number, number>();
    for (let diagonal = -differences; diagonal <= differences; diagonal += 2) {
      let x = stepsDown(frontier, diagonal, differences)
        ? (frontier.get(diagonal + 1) ?? 0)
        : (frontier.get(diagonal - 1) ?? 0) + 1;
      while (x < old.length && x - diagonal < young.length && old[x] === young[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= old.length && x - diagonal >= young.length) return traced(old, young, reached, differences);
    }
    reached.push(next);
    frontier = next;
  }
  return undefined;
}

/** Whether a line of the young text comes here, rather than that one of the old goes. */
const stepsDown = (frontier: ReadonlyMap<number, number>, diagonal: number, differences: number): boolean =>
  diagonal === -differences ||
  (diagonal !== differences && (frontier.get(diagonal - 1) ?? 0) < (frontier.get(diagonal + 1) ?? 0));

function traced(
  old: readonly string[],
  young: readonly string[],
  reached: readonly ReadonlyMap<number, number>[],
  found: number,
): readonly string[] {
  const change: string[] = [];
  let diagonal = old.length - young.length;
  for (let differences = found; differences > 0; differences -= 1) {
    const frontier = reached[differences - 1] ?? new Map<number, number>();
    const down = stepsDown(frontier, diagonal, differences);
    diagonal += down ? 1 : -1;
    const x = frontier.get(diagonal) ?? 0;
    change.push(down ? `+${young[x - diagonal] ?? ""}` : `-${old[x] ?? ""}`);
  }
  return change.toReversed();
}
