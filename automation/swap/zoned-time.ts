/**
 * Times of day in IANA zones, by what the platform knows of them. Days are counted from 1970-01-01. Pure: the same answer
 * for the same zone data.
 */

const dayMs = 86_400_000;
const minuteMs = 60_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Made once per zone, since making one takes longer than a hundred uses of it. Errors: RangeError for an unknown zone. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
  });
  formats.set(zone, made);
  return made;
}

/** Whether it is the name of a zone; a bare offset such as +01:00 is none, because it knows no seasons. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    formatOf(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What the clocks of a zone show at an instant, as if they were in UTC, ms since the epoch, without fractions of a second. */
function wallMs(zone: string, at: number): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const number = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name) ?? 0);
  const year = parts.get("era") === "BC" ? 1 - number("year") : number("year");
  return Date.UTC(year, number("month") - 1, number("day"), number("hour"), number("minute"), number("second"));
}

/** How far the clocks of a zone are ahead of UTC at an instant, ms. */
export function offsetMs(zone: string, at: number): number {
  const wholeSeconds = Math.floor(at / 1_000) * 1_000;
  return wallMs(zone, wholeSeconds) - wholeSeconds;
}

/** The day that a zone has at an instant. */
export function dayOf(zone: string, at: number): number {
  return Math.floor(wallMs(zone, at) / dayMs);
}

/** 0 is Monday. */
export function weekdayOf(day: number): number {
  // 1970-01-01 was a Thursday.
  return (((day + 3) % 7) + 7) % 7;
}

/** The instant of a time of day: the first one where clocks show it twice, the change where they leave it out. */
export function beginOf(zone: string, day: number, minutes: number): number {
  return instantsOf(zone, day, minutes).first;
}

/** The same, but the last one where clocks show it twice. */
export function endOf(zone: string, day: number, minutes: number): number {
  return instantsOf(zone, day, minutes).last;
}

/** Offsets are between -12 h and +14 h, and clocks are changed at most once in two days. */
function instantsOf(zone: string, day: number, minutes: number): { readonly first: number; readonly last: number } {
  const wall = day * dayMs + minutes * minuteMs;
  const before = wall - offsetMs(zone, wall - dayMs);
  const after = wall - offsetMs(zone, wall + dayMs);
  const shown = [before, after].filter((at) => at + offsetMs(zone, at) === wall);
  if (shown.length > 0) return { first: Math.min(...shown), last: Math.max(...shown) };
  const change = changeBetween(zone, Math.min(before, after), Math.max(before, after));
  return { first: change, last: change };
}

/** The first whole second at which another offset holds than at `from`. */
function changeBetween(zone: string, from: number, to: number): number {
  const offset = offsetMs(zone, from);
  let still = from;
  let changed = to;
  while (changed - still > 1_000) {
    const middle = Math.floor((still + changed) / 2_000) * 1_000;
    if (offsetMs(zone, middle) === offset) still = middle;
    else changed = middle;
  }
  return changed;
}
