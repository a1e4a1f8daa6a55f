/** How numbers and tables are written for people. */

/** 450 ms, 3.2 s, 2 min 5 s, 1 h 20 min; rounded before the unit is chosen, so that 999.6 ms is 1.0 s. */
export function duration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 14:03:10 */
export function timeOfDay(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** 2026-11-20 14:03:10 */
export function dateAndTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(at)}`;
}

/** 11,402 */
export function count(value: number): string {
  // The first use of a locale takes 40 ms, which most commands are spared.
  if (!Number.isSafeInteger(value)) return value.toLocaleString("en-US");
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function bytes(value: number): string {
  return `${(value / 1_048_576).toFixed(0)} MB`;
}

/** Columns, left-aligned; numbers in strings right-aligned when every cell of the column below its head is one. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const numeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[-–\d][\d.,]*( ?%| ms| s)?$/.test(row[column] ?? "")),
  );
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? "").length)));
  const draw = (row: readonly string[]): string =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [draw(head), ...rows.map(draw)];
}

/** "1 resource", "2 resources" */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Lines of at most that many columns, broken at blanks; those after the first are indented. A longer word stays whole. */
export function wrap(text: string, columns: number, indent: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const at = rest.lastIndexOf(" ", columns);
    // Not within the indent, or it would never end.
    if (at <= indent) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = `${" ".repeat(indent)}${rest.slice(at + 1).trimStart()}`;
  }
  return [...lines, rest];
}
