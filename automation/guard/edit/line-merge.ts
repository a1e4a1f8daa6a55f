/** A change of lines, made in a text that others have changed too. Pure. */

/** Lines that go and come, at a line of the text they were made for. */
interface Hunk {
  readonly line: number;
  readonly old: readonly string[];
  readonly young: readonly string[];
}

/** More cells than that are no edit of a manifest. */
const mostCells = 16_000_000;

const linesOf = (text: string): readonly string[] => (text === "" ? [] : text.split(/(?<=\n)/));

/** How many lines two texts have in common from each pair of lines on. */
function commonTails(old: readonly string[], young: readonly string[]): Uint32Array {
  const width = young.length + 1;
  const table = new Uint32Array((old.length + 1) * width);
  for (let x = old.length - 1; x >= 0; x -= 1)
    for (let y = young.length - 1; y >= 0; y -= 1)
      table[x * width + y] =
        old[x] === young[y]
          ? 1 + (table[(x + 1) * width + y + 1] ?? 0)
          : Math.max(table[(x + 1) * width + y] ?? 0, table[x * width + y + 1] ?? 0);
  return table;
}

function hunksOf(from: readonly string[], to: readonly string[]): readonly Hunk[] | undefined {
  let begin = 0;
  while (begin < from.length && begin < to.length && from[begin] === to[begin]) begin += 1;
  let end = 0;
  while (end < from.length - begin && end < to.length - begin && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  const [old, young] = [from.slice(begin, from.length - end), to.slice(begin, to.length - end)];
  if ((old.length + 1) * (young.length + 1) > mostCells) return undefined;
  const table = commonTails(old, young);
  const width = young.length + 1;
  const hunks: Hunk[] = [];
  let [x, y] = [0, 0];
  while (x < old.length || y < young.length) {
    if (x < old.length && y < young.length && old[x] === young[y]) {
      [x, y] = [x + 1, y + 1];
      continue;
    }
    const [startX, startY] = [x, y];
    while ((x < old.length || y < young.length) && !(x < old.length && y < young.length && old[x] === young[y])) {
      const down = table[(x + 1) * width + y] ?? 0;
      const right = table[x * width + y + 1] ?? 0;
      if (x < old.length && (y >= young.length || down >= right)) x += 1;
      else y += 1;
    }
    hunks.push({ line: begin + startX, old: old.slice(startX, x), young: young.slice(startY, y) });
  }
  return hunks;
}

/** For each line of a text, and its end, where it is in the other; undefined where it is not there. */
function positions(lines: readonly string[], hunks: readonly Hunk[]): readonly (number | undefined)[] {
  const found: (number | undefined)[] = [];
  let shift = 0;
  let next = 0;
  for (const { line, old, young } of hunks) {
    for (; next < line; next += 1) found.push(next + shift);
    for (; next < line + old.length; next += 1) found.push(undefined);
    shift += young.length - old.length;
  }
  for (; next <= lines.length; next += 1) found.push(next + shift);
  return found;
}

/** The place of a hunk among lines that others changed: its own are there, together, and one beside them. */
function placeOf({ line, old }: Hunk, where: readonly (number | undefined)[]): number | undefined {
  const place = where[line];
  const whole = old.every((_, index) => place !== undefined && where[line + index] === place + index);
  if (old.length > 0) return whole ? place : undefined;
  // Nothing of its own: right behind the line before, else right in front of the line after.
  const before = line === 0 ? -1 : where[line - 1];
  return before === undefined ? place : before + 1;
}

/**
 * What turns `from` into `to`, made in `now`. undefined where a place of it was changed too, or the texts are too long to compare.
 */
export function mergedLines(from: string, to: string, now: string): string | undefined {
  const [lines, today] = [linesOf(from), linesOf(now)];
  const [wanted, others] = [hunksOf(lines, linesOf(to)), hunksOf(lines, today)];
  if (wanted === undefined || others === undefined) return undefined;
  const where = positions(lines, others);
  const result = [...today];
  for (const hunk of wanted.toReversed()) {
    const place = placeOf(hunk, where);
    if (place === undefined) return undefined;
    result.splice(place, hunk.old.length, ...hunk.young);
  }
  return result.join("");
}
