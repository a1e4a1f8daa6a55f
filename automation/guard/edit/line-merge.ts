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

/** Where lines stand in a text, when they stand there once. */
function onlyPlace(lines: readonly string[], wanted: readonly string[], from: number): number | undefined {
  const found: number[] = [];
  for (let line = from; line + wanted.length <= lines.length; line += 1)
    if (wanted.every((text, index) => lines[line + index] === text)) found.push(line);
  return found.length === 1 ? found[0] : undefined;
}

/**
 * What turns `from` into `to`, made in `now`. undefined where one of its places, with up to three lines around it, is not there
 * exactly once.
 */
export function mergedLines(from: string, to: string, now: string): string | undefined {
  const lines = linesOf(from);
  const hunks = hunksOf(lines, linesOf(to));
  if (hunks === undefined) return undefined;
  const result = [...linesOf(now)];
  let done = 0;
  for (const { line, old, young } of hunks) {
    let place: number | undefined;
    // Nothing to find it by but the lines around: at least one of them has to be there.
    for (let context = 3; context >= (old.length === 0 ? 1 : 0) && place === undefined; context -= 1) {
      const before = lines.slice(Math.max(0, line - context), line);
      const after = lines.slice(line + old.length, line + old.length + context);
      const found = onlyPlace(result, [...before, ...old, ...after], Math.max(0, done - before.length));
      if (found !== undefined) place = found + before.length;
    }
    if (place === undefined) return undefined;
    result.splice(place, old.length, ...young);
    done = place + young.length;
  }
  return result.join("");
}
